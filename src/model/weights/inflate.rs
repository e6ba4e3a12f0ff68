//! Inflation of 2D kernels (Carreira & Zisserman 2017): repeated along time and divided by how often, so that a clip
//! that stands still gives what its picture gave.

/// Kernels of `picture` numbers each, `times` times one after the other, divided by that.
pub(super) fn repeated(kernels: &[f32], picture: usize, times: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(kernels.len() * times);
    for kernel in kernels.chunks_exact(picture.max(1)) {
        for _ in 0..times {
            out.extend(kernel.iter().map(|x| x / times as f32));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_repeated_and_its_sum_over_time_stays() {
        let flat = [3.0, 6.0, 9.0, 12.0, 1.5, -3.0, 0.0, 30.0];
        let deep = repeated(&flat, 4, 3);
        assert_eq!(deep[..12], [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
        for (kernel, volume) in flat.chunks(4).zip(deep.chunks(12)) {
            for (i, x) in kernel.iter().enumerate() {
                assert!((volume[i] + volume[4 + i] + volume[8 + i] - x).abs() < 1e-6);
            }
        }
    }
}
