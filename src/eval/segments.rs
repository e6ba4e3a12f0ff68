//! Frame-wise metrics of temporal segmentation, as MS-TCN reports them (Farha & Gall, CVPR 2019; the edit score is
//! Lea et al., CVPR 2017): frame accuracy, segmental edit score, and segmental F1 at 10, 25 and 50 % overlap.

use crate::run_folder::FrameMetrics;

/// True and predicted class of every frame of one video; `None` is background, or a frame that nobody labelled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameTrack {
    /// Frames that somebody labelled, also as background; others count nowhere.
    pub labelled: Vec<bool>,
    /// What the labels say.
    pub truth: Vec<Option<usize>>,
    /// What the network says.
    pub predicted: Vec<Option<usize>>,
}

/// A run of equal classes, `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    class: usize,
    start: usize,
    end: usize,
}

fn runs(frames: &[Option<usize>]) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    let mut previous = None;
    for (at, class) in frames.iter().enumerate() {
        if let Some(class) = *class {
            match out.last_mut() {
                Some(run) if previous == Some(class) => run.end = at + 1,
                _ => out.push(Run { class, start: at, end: at + 1 }),
            }
        }
        previous = *class;
    }
    out
}

impl FrameTrack {
    /// Frames that count, and those among them that are right: with a class, and with background too.
    fn right(&self) -> [(u64, u64); 2] {
        let mut out = [(0, 0); 2];
        for ((truth, said), labelled) in self.truth.iter().zip(&self.predicted).zip(&self.labelled) {
            for (counts, (all, right)) in [truth.is_some(), *labelled].into_iter().zip(&mut out) {
                *all += u64::from(counts);
                *right += u64::from(counts && truth == said);
            }
        }
        out
    }
}

/// Metrics over several videos: accuracy over all labelled frames, edit score as the mean of the videos that have segments,
/// F1 from counts over all videos. `None` when no frame is labelled with a class.
pub fn frame_metrics(videos: &[FrameTrack]) -> Option<FrameMetrics> {
    let mut frames = [(0_u64, 0_u64); 2];
    let mut edit = 0.0;
    let mut hits = [Hits::default(); 3];
    let mut scored = 0;
    for video in videos {
        for (sum, own) in frames.iter_mut().zip(video.right()) {
            (sum.0, sum.1) = (sum.0 + own.0, sum.1 + own.1);
        }
        let (truth, predicted) = (runs(&video.truth), runs(&video.predicted));
        if let Some(score) = edit_score(&truth, &predicted) {
            scored += 1;
            edit += score;
        }
        for (hit, overlap) in hits.iter_mut().zip([0.10, 0.25, 0.50]) {
            hit.add(&truth, &predicted, overlap);
        }
    }
    let [(classes, right), (all, all_right)] = frames;
    if classes == 0 {
        return None;
    }
    Some(FrameMetrics {
        accuracy: right as f64 / classes as f64,
        accuracy_with_background: (all > classes).then(|| all_right as f64 / all as f64),
        edit: edit / f64::from(scored),
        f1_10: hits[0].f1(),
        f1_25: hits[1].f1(),
        f1_50: hits[2].f1(),
    })
}

/// 100 minus the Levenshtein distance between the two orders of classes, relative to the longer one; `None` where neither
/// has a segment.
fn edit_score(truth: &[Run], predicted: &[Run]) -> Option<f64> {
    let longer = truth.len().max(predicted.len());
    if longer == 0 {
        return None;
    }
    let mut row: Vec<usize> = (0..=truth.len()).collect();
    for (i, p) in predicted.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, t) in truth.iter().enumerate() {
            let substitute = diagonal + usize::from(t.class != p.class);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    Some((1.0 - row[truth.len()] as f64 / longer as f64) * 100.0)
}

/// Segments found, invented and missed.
#[derive(Clone, Copy, Debug, Default)]
struct Hits {
    found: u64,
    invented: u64,
    missed: u64,
}

impl Hits {
    /// Each predicted segment claims the true segment of its class that it overlaps most; a true segment counts once.
    fn add(&mut self, truth: &[Run], predicted: &[Run], overlap: f64) {
        let mut taken = vec![false; truth.len()];
        for p in predicted {
            let mut best: Option<(usize, f64)> = None;
            for (i, t) in truth.iter().enumerate().filter(|(_, t)| t.class == p.class) {
                let shared = p.end.min(t.end) as f64 - p.start.max(t.start) as f64;
                let iou = shared / (p.end.max(t.end) - p.start.min(t.start)) as f64;
                if best.is_none_or(|(_, b)| iou > b) {
                    best = Some((i, iou));
                }
            }
            match best {
                Some((i, iou)) if iou >= overlap && !taken[i] => {
                    taken[i] = true;
                    self.found += 1;
                }
                _ => self.invented += 1,
            }
        }
        self.missed += taken.iter().filter(|t| !**t).count() as u64;
    }

    fn f1(self) -> f64 {
        let all = 2 * self.found + self.invented + self.missed;
        if all == 0 { 0.0 } else { 200.0 * self.found as f64 / all as f64 }
    }
}
