//! Datasets: formats, labels, windows, statistics, sampling, augmentation, loading.
