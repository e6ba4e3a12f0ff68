//! Labels in doubt as rows: what is shown of each, and what an answer to it changes.

use crate::compare::{EdgeIssue, LabelIssue, LabelIssues};
use crate::data::LabelEdit;
use crate::domain::{InstanceLabel, Label, LabelledPart, PartLabel, VideoEntry};
use crate::jobs::ClipRef;
use crate::ui::action::{ChooseAction, CorrectAction, TimeAction, WindowAction};
use crate::ui::state::{AppState, Workspace};
use crate::ui::{Action, theme};
use egui::Color32;
use std::path::PathBuf;

/// Which labels are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listed {
    /// Clips.
    #[default]
    Clips,
    /// Edges between segments.
    Edges,
}

/// What clips are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IssueSort {
    /// As they were found: likely wrong ones first, the surest contradiction first.
    #[default]
    Doubt,
    /// Probability of the label minus that of what it looks like.
    Margin,
    /// Runs that do not say what most say.
    Disagreement,
    /// Probability of the label by runs that were not trained on the clip.
    Confidence,
    /// By video and time.
    Video,
}

impl IssueSort {
    /// Every order.
    pub const ALL: [IssueSort; 5] =
        [IssueSort::Doubt, IssueSort::Margin, IssueSort::Disagreement, IssueSort::Confidence, IssueSort::Video];

    /// Name in the picker.
    pub fn name(self) -> &'static str {
        match self {
            IssueSort::Doubt => "likely wrong first",
            IssueSort::Margin => "smallest margin first",
            IssueSort::Disagreement => "largest disagreement first",
            IssueSort::Confidence => "least confidence in the label first",
            IssueSort::Video => "by video and time",
        }
    }
}

/// What has become of a label in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Somebody found it right.
    Kept,
    /// It is another one now.
    Corrected,
}

/// A label in doubt.
#[derive(Clone, Debug)]
pub struct IssueRow {
    /// Name of the video.
    pub video: String,
    /// Its file; `None` where the open dataset has no such video.
    pub path: Option<PathBuf>,
    /// Frames whose pictures are shown.
    pub pictures: Vec<u32>,
    /// The frame it is looked at from.
    pub frame: u32,
    /// What it is labelled with and what is proposed, with their colours.
    pub names: [(String, Color32); 2],
    /// Numbers in one line.
    pub told: String,
    /// The accessible name.
    pub title: String,
    /// What an answer is noted under.
    pub part: LabelledPart,
    /// What has become of it.
    pub answered: Option<Answered>,
    /// The clip, where it is one.
    clip: Option<ClipRef>,
    /// Why the proposal is made, for the correction.
    note: String,
    /// The proposed class of a clip, by position in the dataset.
    pub proposed: Option<usize>,
    /// The proposed frame of an edge.
    edge: Option<(u32, u32)>,
}

/// All rows of a list in an order; those that are answered only where they are asked for.
pub fn rows(
    state: &AppState,
    issues: &LabelIssues,
    span: u32,
    (listed, sort, answered): (Listed, IssueSort, bool),
) -> Vec<IssueRow> {
    let mut rows: Vec<IssueRow> = match listed {
        Listed::Clips => {
            let mut order: Vec<&LabelIssue> = issues.issues.iter().collect();
            let value = |i: &LabelIssue| match sort {
                IssueSort::Margin => i.margin(),
                IssueSort::Disagreement => -i.disagreement,
                IssueSort::Confidence => i.label_probability,
                IssueSort::Doubt | IssueSort::Video => 0.0,
            };
            // Stable, so that what is equal stays as it was found.
            order.sort_by(|a, b| value(a).total_cmp(&value(b)));
            if sort == IssueSort::Video {
                order.sort_by(|a, b| (&a.video, a.start).cmp(&(&b.video, b.start)));
            }
            order.into_iter().map(|i| of_clip(state, issues, i, span)).collect()
        }
        Listed::Edges => issues.edges.iter().map(|e| of_edge(state, issues, e)).collect(),
    };
    rows.retain(|r| answered || r.answered.is_none());
    rows
}

fn class(state: &AppState, name: &str) -> (String, Color32) {
    let color = state.classes().by_name(name).map_or(Color32::GRAY, theme::class_color);
    (name.to_owned(), color)
}

fn percent(share: f32) -> String {
    format!("{:.0} %", share * 100.0)
}

fn short(video: &str) -> &str {
    video.rsplit('/').next().unwrap_or(video)
}

fn of_clip(state: &AppState, issues: &LabelIssues, issue: &LabelIssue, span: u32) -> IssueRow {
    let entry = state.video_named(&issue.video);
    let frames = entry.map_or(u32::MAX, VideoEntry::frames);
    let (start, end) = (issue.start, issue.cut.end_of(issue.start, span).min(frames).max(issue.start + 1));
    let (label, looks) = (issues.class(issue.label), issues.class(issue.suggested));
    let known = state.classes().by_name(label);
    let part = LabelledPart { start, end, label: PartLabel::Classes(vec![label.to_owned()]) };
    let shows = |e: &VideoEntry| {
        let label = known.map(Label::Class);
        e.class_spans().any(|s| Some(s.label) == label && s.start < end && s.end > start)
    };
    let answered = match entry {
        _ if state.corrections().is_confirmed(&issue.video, &part) => Some(Answered::Kept),
        Some(e) if known.is_some() && !shows(e) => Some(Answered::Corrected),
        _ => None,
    };
    let wrong = if issue.likely_wrong { "likely wrong" } else { "ambiguous" };
    let runs = match issue.runs {
        0 | 1 => String::new(),
        n => format!(" · {} of {n} runs disagree", percent(issue.disagreement)),
    };
    let trained = if issue.trained_on { " · trained on" } else { "" };
    let (p, q) = (issue.label_probability, issue.suggested_probability);
    IssueRow {
        video: issue.video.clone(),
        path: entry.map(|e| e.path.clone()),
        pictures: vec![start + (end - start) / 2],
        frame: start,
        names: [class(state, label), class(state, looks)],
        told: format!(
            "{wrong} · {} label, {} proposal · margin {:+.2}{runs}{trained} · {} frame {start}",
            percent(p),
            percent(q),
            issue.margin(),
            short(&issue.video)
        ),
        title: format!("{label} looks like {looks}, {p:.2} against {q:.2}, frame {start} of {}", short(&issue.video)),
        part,
        answered,
        clip: Some(ClipRef { video: issue.video.clone(), start, cut: issue.cut }),
        note: format!("label in doubt: {label} {p:.2}, {looks} {q:.2} by {} runs", issue.runs),
        proposed: state.classes().by_name(looks),
        edge: None,
    }
}

fn of_edge(state: &AppState, issues: &LabelIssues, edge: &EdgeIssue) -> IssueRow {
    let entry = state.video_named(&edge.video);
    let (before, after) = (issues.class(edge.before), issues.class(edge.after));
    let part = LabelledPart { start: edge.frame, end: edge.frame, label: PartLabel::Classes(vec![after.to_owned()]) };
    let is_there = |e: &VideoEntry| e.instances.iter().any(|i| i.start == edge.frame || i.end == edge.frame);
    let answered = match entry {
        _ if state.corrections().is_confirmed(&edge.video, &part) => Some(Answered::Kept),
        Some(e) if !is_there(e) => Some(Answered::Corrected),
        _ => None,
    };
    IssueRow {
        video: edge.video.clone(),
        path: entry.map(|e| e.path.clone()),
        pictures: vec![edge.frame, edge.proposed],
        frame: edge.frame,
        names: [class(state, before), class(state, after)],
        told: format!(
            "edge at frame {}, proposed {} ({:+}, within {}) · {}",
            edge.frame,
            edge.proposed,
            edge.shift(),
            edge.resolution,
            short(&edge.video)
        ),
        title: format!(
            "edge from {before} to {after} at frame {}, proposed {}, in {}",
            edge.frame,
            edge.proposed,
            short(&edge.video)
        ),
        part,
        answered,
        clip: None,
        note: format!("edge in doubt: proposed frame {} within {}", edge.proposed, edge.resolution),
        proposed: None,
        edge: Some((edge.frame, edge.proposed)),
    }
}

impl IssueRow {
    /// Looks at it in Review.
    pub fn open(&self) -> Vec<Action> {
        match &self.clip {
            Some(clip) => vec![ChooseAction::ReviewClip(clip.clone()).into()],
            None => vec![
                ChooseAction::SelectVideo(self.video.clone()).into(),
                TimeAction::Seek(self.frame).into(),
                WindowAction::SetWorkspace(Workspace::Review).into(),
            ],
        }
    }

    /// Notes that the label is right, or takes that back.
    pub fn keep(&self, right: bool) -> Action {
        CorrectAction::Confirm { video: self.video.clone(), part: self.part.clone(), right }.into()
    }

    /// Takes the proposal; `None` where it cannot be taken.
    pub fn accept(&self, state: &AppState) -> Option<Action> {
        match self.edge {
            Some((frame, to)) => Some(self.edit(LabelEdit::Edge { frame, to })),
            None => self.relabel(state, self.proposed?),
        }
    }

    /// Gives the clip another class; `None` where it is no clip of the open dataset.
    pub fn relabel(&self, state: &AppState, class: usize) -> Option<Action> {
        self.clip.as_ref()?;
        let entry = state.video_named(&self.video)?;
        let label = self.part.label.resolve(state.classes()).ok()?;
        let shared = |start: u32, end: u32| end.min(self.part.end).saturating_sub(start.max(self.part.start));
        let of_label = entry.instances.iter().enumerate().filter(|(_, i)| i.label == label);
        let (at, part) = of_label.max_by_key(|(_, i)| shared(i.start, i.end))?;
        if shared(part.start, part.end) == 0 {
            return None;
        }
        let label = InstanceLabel::Class(class);
        // A window is a part of its run, a clip of instances is all of one.
        Some(self.edit(match state.dataset.as_ref()?.joins_runs() {
            true => {
                let (start, end) = (part.start.max(self.part.start), part.end.min(self.part.end));
                LabelEdit::Paint { start, end, label }
            }
            false => LabelEdit::Relabel { part: at, label },
        }))
    }

    fn edit(&self, edit: LabelEdit) -> Action {
        CorrectAction::Edit { video: self.video.clone(), edit, note: self.note.clone() }.into()
    }
}
