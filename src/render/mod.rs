//! Colour maps, the heatmap overlay on CPU and GPU, and plots.
