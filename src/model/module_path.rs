//! Module paths, as PyTorch writes them: names with dots between them.

/// True when `path` lies inside the module `outer`.
pub fn lies_inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

/// True when `path` is the module `outer` or lies inside it.
pub fn belongs_to(path: &str, outer: &str) -> bool {
    path == outer || lies_inside(path, outer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_begins_alike_is_another_module() {
        let paths = ["layer1", "layer1.0", "layer10", "layer", "stem"];
        assert_eq!(paths.map(|p| lies_inside(p, "layer1")), [false, true, false, false, false]);
        assert_eq!(paths.map(|p| belongs_to(p, "layer1")), [true, true, false, false, false]);
    }
}
