//! Frame-wise metrics of temporal segmentation, as MS-TCN reports them (Farha & Gall, CVPR 2019; the edit score is
//! Lea et al., CVPR 2017): frame accuracy, segmental edit score, and segmental F1 at 10, 25 and 50 % overlap.

use crate::run_folder::FrameMetrics;

/// True and predicted class of every frame of one video; `None` is background, which is not scored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameTrack {
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

/// Metrics over several videos: accuracy over all labelled frames, edit score as the mean of the videos, F1 from counts
/// over all videos. `None` when no frame is labelled with a class.
pub fn frame_metrics(videos: &[FrameTrack]) -> Option<FrameMetrics> {
    let (mut labelled, mut right) = (0_u64, 0_u64);
    let mut edit = 0.0;
    let mut hits = [Hits::default(); 3];
    let mut scored = 0;
    for video in videos {
        let own = video.truth.iter().filter(|t| t.is_some()).count() as u64;
        if own == 0 {
            continue;
        }
        scored += 1;
        labelled += own;
        right += video.truth.iter().zip(&video.predicted).filter(|(t, p)| t.is_some() && t == p).count() as u64;
        let (truth, predicted) = (runs(&video.truth), runs(&video.predicted));
        edit += edit_score(&truth, &predicted);
        for (hit, overlap) in hits.iter_mut().zip([0.10, 0.25, 0.50]) {
            hit.add(&truth, &predicted, overlap);
        }
    }
    if labelled == 0 {
        return None;
    }
    Some(FrameMetrics {
        accuracy: right as f64 / labelled as f64,
        edit: edit / f64::from(scored),
        f1_10: hits[0].f1(),
        f1_25: hits[1].f1(),
        f1_50: hits[2].f1(),
    })
}

/// 100 minus the Levenshtein distance between the two orders of classes, relative to the longer one.
fn edit_score(truth: &[Run], predicted: &[Run]) -> f64 {
    let longer = truth.len().max(predicted.len());
    if longer == 0 {
        return 100.0;
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
    (1.0 - row[truth.len()] as f64 / longer as f64) * 100.0
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
