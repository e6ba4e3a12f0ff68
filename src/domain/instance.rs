use super::{ClassId, Label};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::path::Path;
use std::sync::Arc;

/// What an annotation says about its part of a video.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum InstanceLabel {
    /// No class is given: it can be predicted, and is never trained on.
    #[default]
    Unlabelled,
    /// None of the classes.
    Background,
    /// One class.
    Class(ClassId),
    /// Several classes at once, ascending; none where all are known to be absent.
    Classes(Box<[ClassId]>),
}

impl InstanceLabel {
    /// The label of a set of classes; unlabelled for an empty one.
    pub fn of(mut classes: Vec<ClassId>) -> Self {
        classes.sort_unstable();
        classes.dedup();
        match classes.as_slice() {
            [] => Self::Unlabelled,
            [one] => Self::Class(*one),
            _ => Self::Classes(classes.into()),
        }
    }

    /// The classes, ascending.
    pub fn classes(&self) -> &[ClassId] {
        match self {
            Self::Unlabelled | Self::Background => &[],
            Self::Class(class) => std::slice::from_ref(class),
            Self::Classes(classes) => classes,
        }
    }

    /// The one label of a single-label task; `None` without one. Of several classes the first.
    pub fn single(&self) -> Option<Label> {
        match self {
            Self::Background => Some(Label::Background),
            other => other.classes().first().copied().map(Label::Class),
        }
    }

    /// True where something was said.
    pub fn is_labelled(&self) -> bool {
        *self != Self::Unlabelled
    }
}

impl From<Option<Label>> for InstanceLabel {
    fn from(label: Option<Label>) -> Self {
        match label {
            None => Self::Unlabelled,
            Some(Label::Background) => Self::Background,
            Some(Label::Class(class)) => Self::Class(class),
        }
    }
}

/// A box around somebody, in shares of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameBox {
    /// Frame of the video.
    pub frame: u32,
    /// One past the last frame that the box holds for.
    pub end: u32,
    /// Left, top, right, bottom, 0 to 1.
    pub corners: [f32; 4],
}

/// Name of the notes that hold the modifiers of a behaviour, one each.
pub const MODIFIERS: &str = "modifiers";

/// What only some annotations have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceDetails {
    /// Boxes, ascending by frame.
    pub boxes: Vec<FrameBox>,
    /// The frame that was looked at when the annotation was made.
    pub key_frame: Option<u32>,
    /// Who is meant, where it is not the subject of the whole video.
    pub subject: Option<String>,
    /// Other columns of the source worth showing, such as a tier: name and text. Of several [`MODIFIERS`] each is a note of
    /// its own.
    pub notes: Vec<(&'static str, String)>,
}

/// An annotated part of a video: `start..end` in frames, the end exclusive. Instances of a video may overlap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    /// First frame.
    pub start: u32,
    /// One past the last frame.
    pub end: u32,
    /// Start and end in seconds from the first frame, where the source speaks of seconds.
    pub seconds: Option<(f64, f64)>,
    /// What it shows.
    pub label: InstanceLabel,
    /// The file that says so; `None` where folders do.
    pub file: Option<Arc<Path>>,
    /// Line of the file, from 1.
    pub line: u32,
    /// Boxes and the like.
    pub details: Option<Box<InstanceDetails>>,
}

impl Instance {
    /// Frames in it.
    pub fn frames(&self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Puts instances into as few lanes as overlaps need: the lane of each, in the order given.
    pub fn lanes(instances: &[Instance]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..instances.len()).collect();
        order.sort_by_key(|i| instances.get(*i).map(|x| (x.start, x.end)));
        // Lanes in use by the frame at which they are free again, and those that are free: thousands may overlap.
        let mut busy: BinaryHeap<Reverse<(u32, usize)>> = BinaryHeap::new();
        let mut free: BTreeSet<usize> = BTreeSet::new();
        let mut lanes = 0;
        let mut out = vec![0; instances.len()];
        for i in order {
            let Some(instance) = instances.get(i) else { continue };
            while let Some(Reverse((end, lane))) = busy.peek().copied()
                && end <= instance.start
            {
                busy.pop();
                free.insert(lane);
            }
            let lane = free.pop_first().unwrap_or_else(|| {
                lanes += 1;
                lanes - 1
            });
            busy.push(Reverse((instance.end, lane)));
            if let Some(slot) = out.get_mut(i) {
                *slot = lane;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_as_few_as_overlaps_need() {
        let of = |parts: &[(u32, u32)]| {
            let made = |&(start, end): &(u32, u32)| Instance { start, end, ..Instance::default() };
            Instance::lanes(&parts.iter().map(made).collect::<Vec<_>>())
        };
        assert_eq!(of(&[(0, 10), (10, 20), (5, 15), (0, 30), (20, 25)]), [0, 0, 2, 1, 0]);
        assert_eq!(of(&[]), [0; 0]);
    }

    #[test]
    fn labels_are_sets() {
        assert_eq!(InstanceLabel::of(vec![3, 1, 3]), InstanceLabel::Classes(vec![1, 3].into()));
        assert_eq!(InstanceLabel::of(vec![2, 2]), InstanceLabel::Class(2));
        assert_eq!(InstanceLabel::of(Vec::new()).single(), None);
        assert_eq!(InstanceLabel::Background.single(), Some(Label::Background));
    }
}
