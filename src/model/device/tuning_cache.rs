//! Where the tensor library keeps what autotuning found.

use burn::cubecl::config::cache::CacheConfig;
use burn::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use std::path::PathBuf;
use std::sync::Once;

/// Tells the tensor library where to keep what it finds out, before it touches a device. Without a cache folder it keeps
/// nothing.
pub(super) fn keep_between_runs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // What its environment variables ask for counts.
        let mut config = CubeClRuntimeConfig::default().override_from_env();
        match folder() {
            Some(folder) => {
                config.environment.path = CacheConfig::Directory(folder);
                #[cfg(feature = "tuning-cache")]
                {
                    config.compilation.cache = true;
                }
            }
            None => {
                config.autotune.disable_cache = true;
                config.throughput.disable_cache = true;
                #[cfg(feature = "tuning-cache")]
                {
                    config.compilation.cache = false;
                }
            }
        }
        if !CubeClRuntimeConfig::try_set(config) {
            log::warn!("the GPU was used before its cache was set up: kernels are tuned anew in every run");
        }
    });
}

/// Where the findings are, in a build that keeps them.
pub(super) fn folder() -> Option<PathBuf> {
    let folder = crate::files::cache_dir().filter(|_| cfg!(feature = "tuning-cache"))?;
    Some(folder.join("gpu"))
}
