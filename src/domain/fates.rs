//! Labels of other classes: what becomes of each class, and with it of tracks and annotations.

use super::{ClassId, Instance, InstanceLabel, Label, LabelTrack, Segment};

/// What becomes of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// This one of the new classes.
    Class(ClassId),
    /// None of the classes.
    Background,
    /// Nothing: what is labelled so is unlabelled.
    LeftOut,
}

/// What becomes of each class, by its position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fates(pub Vec<Fate>);

impl Fates {
    /// What becomes of a class.
    pub fn of(&self, class: ClassId) -> Fate {
        self.0.get(class).copied().unwrap_or(Fate::LeftOut)
    }

    /// The new class that a class is.
    pub fn class(&self, class: ClassId) -> Option<ClassId> {
        match self.of(class) {
            Fate::Class(new) => Some(new),
            Fate::Background | Fate::LeftOut => None,
        }
    }

    /// A label; `None` where its class is left out.
    pub fn label(&self, label: Label) -> Option<Label> {
        match label {
            Label::Background => Some(label),
            Label::Class(class) => match self.of(class) {
                Fate::Class(new) => Some(Label::Class(new)),
                Fate::Background => Some(Label::Background),
                Fate::LeftOut => None,
            },
        }
    }

    /// The label of an annotation. Of several classes those that are kept count, each once; where none is, it is
    /// background if one of them became that, else unlabelled.
    pub fn instance(&self, label: &InstanceLabel) -> InstanceLabel {
        let classes = label.classes();
        if classes.is_empty() {
            return label.clone();
        }
        let kept = InstanceLabel::of(classes.iter().filter_map(|c| self.class(*c)).collect());
        let background = || classes.iter().any(|c| self.of(*c) == Fate::Background);
        if !kept.is_labelled() && background() { InstanceLabel::Background } else { kept }
    }

    /// True where one of the classes of an annotation is left out.
    pub fn leaves_out(&self, label: &InstanceLabel) -> bool {
        label.classes().iter().any(|c| self.of(*c) == Fate::LeftOut)
    }

    /// Labels of frames; those of classes that are left out have none.
    pub fn track(&self, labels: &LabelTrack) -> LabelTrack {
        let segments = labels.segments().iter();
        LabelTrack::from_segments(
            segments.filter_map(|s| Some(Segment { label: self.label(s.label)?, ..*s })).collect(),
        )
    }

    /// Annotations in the new classes. With `runs` those that touch are one where they were apart only by their classes.
    pub fn instances(&self, instances: &[Instance], runs: bool) -> Vec<Instance> {
        let mut out: Vec<Instance> = Vec::with_capacity(instances.len());
        let mut before: Option<&Instance> = None;
        for instance in instances {
            let label = self.instance(&instance.label);
            let joins = |last: &Instance, of: &Instance| {
                let alike = last.label == label && label.is_labelled() && of.label != instance.label;
                alike && last.end == instance.start && last.file == instance.file && last.details.is_none()
            };
            match (out.last_mut(), before) {
                (Some(last), Some(of)) if runs && joins(last, of) && instance.details.is_none() => {
                    last.end = instance.end;
                    last.seconds = last.seconds.zip(instance.seconds).map(|((start, _), (_, end))| (start, end));
                }
                _ => out.push(Instance { label, ..instance.clone() }),
            }
            before = Some(instance);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(start: u32, end: u32, label: InstanceLabel) -> Instance {
        Instance { start, end, label, ..Instance::default() }
    }

    #[test]
    fn sets_lose_what_is_left_out_and_count_merged_classes_once() {
        use Fate::{Background, Class, LeftOut};
        // 0 and 1 become one class, 2 is left out, 3 is background, 4 stays.
        let fates = Fates(vec![Class(0), Class(0), LeftOut, Background, Class(1)]);
        let of = |classes: &[usize]| fates.instance(&InstanceLabel::of(classes.to_vec()));
        assert_eq!(of(&[0, 1]), InstanceLabel::Class(0));
        assert_eq!(of(&[1, 2, 4]), InstanceLabel::Classes(vec![0, 1].into()));
        assert_eq!(of(&[3, 4]), InstanceLabel::Class(1));
        assert_eq!((of(&[2, 3]), of(&[3])), (InstanceLabel::Background, InstanceLabel::Background));
        assert_eq!((of(&[2]), of(&[])), (InstanceLabel::Unlabelled, InstanceLabel::Unlabelled));
        assert_eq!(fates.instance(&InstanceLabel::Background), InstanceLabel::Background);
        let out = |classes: &[usize]| fates.leaves_out(&InstanceLabel::of(classes.to_vec()));
        assert_eq!([out(&[0, 2]), out(&[2]), out(&[3, 4]), out(&[])], [true, true, false, false]);
    }

    #[test]
    fn tracks_join_where_classes_become_one_and_have_gaps_where_one_is_left_out() {
        let class = Label::Class;
        let segment = |start, end, label| Segment { start, end, label };
        let fates = Fates(vec![Fate::Class(1), Fate::Class(1), Fate::LeftOut, Fate::Background]);
        let track = LabelTrack::from_segments(vec![
            segment(0, 4, class(0)),
            segment(4, 6, class(1)),
            segment(6, 9, class(2)),
            segment(9, 12, class(3)),
            segment(12, u32::MAX, class(0)),
        ]);
        let mapped = fates.track(&track);
        let expected = [segment(0, 6, class(1)), segment(9, 12, Label::Background), segment(12, u32::MAX, class(1))];
        assert_eq!(mapped.segments(), expected);
        let single = |c| InstanceLabel::Class(c);
        let parts = [one(0, 4, single(0)), one(4, 6, single(1)), one(6, 9, single(2)), one(12, 14, single(0))];
        let spans = |runs| {
            let made = fates.instances(&parts, runs);
            made.iter().map(|i| (i.start, i.end, i.label.single())).collect::<Vec<_>>()
        };
        assert_eq!(spans(true), [(0, 6, Some(class(1))), (6, 9, None), (12, 14, Some(class(1)))]);
        assert_eq!(spans(false).len(), 4);
    }
}
