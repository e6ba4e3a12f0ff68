//! Training: losses, optimisers, schedules, checkpoints, logs, the loop.
