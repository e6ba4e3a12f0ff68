use super::*;

#[test]
fn times_move_to_the_nearest_frame() {
    let times = FrameTimes { starts: (0..10).map(|i| f64::from(i) * 0.04).collect(), usual: 0.04 };
    let frames = |start, end| match times.place(start, end) {
        Placed::Frames { start, end, cut, .. } => (start, end, cut),
        other => panic!("{other:?}"),
    };
    assert_eq!(frames(0.0, 0.4), (0, 10, false));
    assert_eq!(frames(0.059, 0.101), (1, 3, false));
    assert_eq!(frames(0.061, 0.141), (2, 4, false));
    // In the middle: to the earlier, whatever floating point makes of it.
    assert_eq!(frames(0.1, 0.3), (2, 7, false));
    assert_eq!(frames(0.1, 0.1), (2, 3, false));
    assert_eq!(frames(-0.019, 0.05), (0, 1, false));
    assert_eq!(frames(0.2, 0.5), (5, 10, true));
    assert_eq!(frames(0.2, 0.415), (5, 10, false));
    assert_eq!(times.place(0.4, 0.5), Placed::PastEnd);
    assert_eq!(times.place(0.385, 0.5), Placed::PastEnd);
    assert_eq!(times.place(-0.05, 0.1), Placed::BeforeStart);
    assert!(times.may_be_milliseconds(&[(0.0, 40.0), (40.0, 360.0)]));
    assert!(!times.may_be_milliseconds(&[(0.0, 40.0), (40.0, 600.0)]), "too long for that too");
    assert!(!times.may_be_milliseconds(&[(0.0, 0.2), (0.5, 0.9)]), "fractions");
    // A variable rate: frames 0, 0.1, 0.5.
    let uneven = FrameTimes { starts: vec![0.0, 0.1, 0.5], usual: 0.1 };
    assert_eq!(uneven.place(0.29, 0.6), Placed::Frames { start: 1, end: 3, cut: false, short: false });
    assert_eq!(uneven.place(0.31, 0.56), Placed::Frames { start: 2, end: 3, cut: false, short: false });
}
