//! Global pooling between trunk and classifier, and pooling of the scores of frames or windows into those of a clip.

use super::ops;
use crate::config::Pooling;
use burn::tensor::{Tensor, TensorData};

/// How features become rows for the classifier, and the classifier's answers to the rows of a clip become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readout {
    /// One row a clip: the mean over time, height and width.
    Average,
    /// One row a clip: the mean over each frame, the largest of all frames.
    MaxFeatures,
    /// A row a frame; the largest answer counts.
    MaxLogits,
    /// A row for each place of a window of so many frames, rows and columns; answers are averaged.
    Windows([usize; 3]),
}

impl Readout {
    /// As the configuration calls it, with windows of this size.
    pub fn of(pooling: Pooling, window: [usize; 3]) -> Self {
        match pooling {
            Pooling::Average => Self::Average,
            Pooling::MaxFeatures => Self::MaxFeatures,
            Pooling::MaxLogits => Self::MaxLogits,
            Pooling::Windows => Self::Windows(window),
        }
    }

    /// True when features of shape `[C, T, H, W]` give at least one row.
    pub fn fits(self, [_, t, h, w]: [usize; 4]) -> bool {
        match self {
            Self::Windows(window) => [t, h, w].iter().zip(window).all(|(size, window)| *size >= window),
            Self::Average | Self::MaxFeatures | Self::MaxLogits => [t, h, w].iter().all(|size| *size > 0),
        }
    }

    /// For people.
    pub fn title(self) -> String {
        match self {
            Self::Average => "Global average pooling".into(),
            Self::MaxFeatures => "Average of each frame, maximum over time".into(),
            Self::MaxLogits => "Average of each frame, maximum of the scores".into(),
            Self::Windows([t, h, w]) => format!("Average pooling {t}×{h}×{w}"),
        }
    }

    /// Applies `classify`, from `[rows, C]` to `[rows, classes]`, to features `[B, C, T, H, W]`.
    pub fn apply(self, x: Tensor<5>, classify: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
        let [b, c, ..] = x.dims();
        match self {
            Self::Average => classify(ops::global_average_pool(x)),
            Self::MaxFeatures => classify(frames(x).max_dim(1).reshape([b, c])),
            Self::MaxLogits => {
                let rows = frames(x);
                let n = rows.dims()[1];
                let scores = classify(rows.reshape([b * n, c]));
                let classes = scores.dims()[1];
                scores.reshape([b, n, classes]).max_dim(1).reshape([b, classes])
            }
            Self::Windows(window) => {
                let rows = windows(x, window);
                let n = rows.dims()[1];
                let scores = classify(rows.reshape([b * n, c]));
                let classes = scores.dims()[1];
                scores.reshape([b, n, classes]).mean_dim(1).reshape([b, classes])
            }
        }
    }
}

/// The mean over each frame: `[B, C, T, H, W]` to `[B, T, C]`.
fn frames(x: Tensor<5>) -> Tensor<3> {
    let [b, c, t, h, w] = x.dims();
    x.reshape([b, c, t, h * w]).mean_dim(3).reshape([b, c, t]).swap_dims(1, 2)
}

/// The mean over each place of a window that moves by single steps: `[B, C, T, H, W]` to `[B, places, C]`.
fn windows(x: Tensor<5>, window: [usize; 3]) -> Tensor<3> {
    let [b, c, t, h, w] = x.dims();
    let places: [usize; 3] = std::array::from_fn(|a| ([t, h, w][a] + 1).saturating_sub(window[a]));
    let (cells, count) = (t * h * w, places.iter().product::<usize>());
    // A product with a constant matrix, [places, cells], is every mean at once.
    let part = 1.0 / window.iter().product::<usize>() as f32;
    let mut parts = vec![0.0_f32; count * cells];
    for (place, row) in parts.chunks_exact_mut(cells).enumerate() {
        let from = [place / (places[1] * places[2]), place / places[2] % places[1], place % places[2]];
        for it in from[0]..from[0] + window[0] {
            for ih in from[1]..from[1] + window[1] {
                let line = (it * h + ih) * w + from[2];
                row[line..line + window[2]].fill(part);
            }
        }
    }
    let device = x.device().without_autodiff();
    let parts: Tensor<2> = Tensor::from_data(TensorData::new(parts, [count, cells]), &device);
    let cells_first = x.reshape([b, c, cells]).swap_dims(1, 2); // [B, cells, C]
    parts.unsqueeze_dim::<3>(0).repeat_dim(0, b).matmul(cells_first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn features(shape: [usize; 5]) -> (Vec<f64>, Tensor<5>) {
        let n = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..n).map(|i| ((i * 7919) % 2003) as f32 / 1001.0 - 1.0).collect();
        let tensor = Tensor::from_data(TensorData::new(values.clone(), shape), &Device::flex());
        (values.into_iter().map(f64::from).collect(), tensor)
    }

    /// A classifier without any linearity to hide behind: the square of the first channel, and the second.
    fn squares(rows: Tensor<2>) -> Tensor<2> {
        let [n, _] = rows.dims();
        let first = rows.clone().slice([0..n, 0..1]);
        Tensor::cat(vec![first.clone() * first, rows.slice([0..n, 1..2])], 1)
    }

    /// By the definitions, with plain loops.
    fn expected(readout: Readout, values: &[f64], [b, c, t, h, w]: [usize; 5]) -> Vec<f64> {
        let at = |ib: usize, ic: usize, it: usize, ih: usize, iw: usize| {
            values[(((ib * c + ic) * t + it) * h + ih) * w + iw]
        };
        let mean = |ib: usize, ic: usize, from: [usize; 3], size: [usize; 3]| {
            let mut sum = 0.0;
            for it in from[0]..from[0] + size[0] {
                for ih in from[1]..from[1] + size[1] {
                    for iw in from[2]..from[2] + size[2] {
                        sum += at(ib, ic, it, ih, iw);
                    }
                }
            }
            sum / size.iter().product::<usize>() as f64
        };
        let classify = |first: f64, second: f64| [first * first, second];
        let largest = |rows: &[[f64; 2]]| -> Vec<f64> {
            (0..2).map(|i| rows.iter().map(|r| r[i]).fold(f64::NEG_INFINITY, f64::max)).collect()
        };
        let mut out = Vec::new();
        for ib in 0..b {
            let frame: Vec<[f64; 2]> = (0..t).map(|it| [0, 1].map(|ic| mean(ib, ic, [it, 0, 0], [1, h, w]))).collect();
            match readout {
                Readout::Average => {
                    let [first, second] = [0, 1].map(|ic| mean(ib, ic, [0; 3], [t, h, w]));
                    out.extend(classify(first, second));
                }
                Readout::MaxFeatures => {
                    let f = largest(&frame);
                    out.extend(classify(f[0], f[1]));
                }
                Readout::MaxLogits => {
                    let scores: Vec<[f64; 2]> = frame.iter().map(|f| classify(f[0], f[1])).collect();
                    out.extend(largest(&scores));
                }
                Readout::Windows(size) => {
                    let mut scores = Vec::new();
                    for it in 0..=t - size[0] {
                        for ih in 0..=h - size[1] {
                            for iw in 0..=w - size[2] {
                                let [first, second] = [0, 1].map(|ic| mean(ib, ic, [it, ih, iw], size));
                                scores.push(classify(first, second));
                            }
                        }
                    }
                    let n = scores.len() as f64;
                    out.extend((0..2).map(|i| scores.iter().map(|s| s[i]).sum::<f64>() / n));
                }
            }
        }
        out
    }

    #[test]
    fn every_readout_is_its_definition() {
        let shape = [2, 2, 3, 4, 5];
        let (values, x) = features(shape);
        let all = [Readout::Average, Readout::MaxFeatures, Readout::MaxLogits, Readout::Windows([2, 3, 3])];
        for readout in all {
            let found: Vec<f32> = readout.apply(x.clone(), squares).into_data().try_into_vec().unwrap();
            let expected = expected(readout, &values, shape);
            assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(&expected) {
                assert!((f64::from(*a) - b).abs() < 1e-6, "{readout:?}: {found:?} instead of {expected:?}");
            }
        }
        assert!(Readout::Windows([2, 4, 5]).fits([2, 3, 4, 5]) && !Readout::Windows([2, 4, 6]).fits([2, 3, 4, 5]));
    }
}
