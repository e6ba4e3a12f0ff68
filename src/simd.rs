//! The SIMD instruction set, chosen at run time.
//!
//! Every such loop is compiled for several kinds of processors, and the best kind this one belongs to is taken. The
//! environment variable `KINOLENS_INSTRUCTIONS` takes a lesser one: to see on one machine how another would fare, and to
//! find out whether numbers differ because of it.

use pulp::Arch;
use std::sync::OnceLock;

/// The variable that limits them.
const VARIABLE: &str = "KINOLENS_INSTRUCTIONS";

/// Instructions that can be asked for, best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Those every processor of its family has, a number at a time.
    Portable,
    /// AVX2 and FMA: 8 numbers, x86 processors since about 2013.
    Avx2,
    /// AVX-512: 16 numbers.
    Avx512,
}

impl Instructions {
    const NAMES: [(&'static str, Self); 3] =
        [("portable", Self::Portable), ("avx2", Self::Avx2), ("avx512", Self::Avx512)];
}

/// The variable names no instructions there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "KINOLENS_INSTRUCTIONS is '{0}': set it to portable, avx2 or avx512, or to nothing for the best this processor has"
)]
pub struct UnknownInstructions(String);

/// What the variable asks for; `None` without it.
///
/// # Errors
/// A word it does not know.
pub fn asked() -> Result<Option<Instructions>, UnknownInstructions> {
    let Some(asked) = std::env::var_os(VARIABLE).filter(|asked| !asked.is_empty()) else { return Ok(None) };
    let found = Instructions::NAMES.iter().find(|(name, _)| asked.eq_ignore_ascii_case(name));
    found.map(|(_, which)| Some(*which)).ok_or_else(|| UnknownInstructions(asked.to_string_lossy().into_owned()))
}

/// The instructions to use, chosen once.
#[inline]
pub fn arch() -> Arch {
    static CHOSEN: OnceLock<Arch> = OnceLock::new();
    *CHOSEN.get_or_init(|| match asked() {
        Ok(Some(limit)) => at_most(limit),
        Ok(None) | Err(_) => Arch::new(),
    })
}

#[cfg(target_arch = "x86_64")]
fn at_most(limit: Instructions) -> Arch {
    match limit {
        Instructions::Portable => Arch::Scalar,
        Instructions::Avx2 => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
        Instructions::Avx512 => Arch::new(),
    }
}

/// Processors of other families have one kind of vectors or none.
#[cfg(not(target_arch = "x86_64"))]
fn at_most(limit: Instructions) -> Arch {
    if limit == Instructions::Portable { Arch::Scalar } else { Arch::new() }
}

/// What [`arch`] is called.
pub fn name() -> &'static str {
    match arch() {
        Arch::Scalar => "portable",
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => "AVX2",
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => "AVX-512",
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(_) => "NEON",
        _ => "vectors",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_used_than_asked_for() {
        let lanes = |arch: Arch| {
            struct Lanes;
            impl pulp::WithSimd for Lanes {
                type Output = usize;
                fn with_simd<S: pulp::Simd>(self, _: S) -> usize {
                    S::F32_LANES
                }
            }
            arch.dispatch(Lanes)
        };
        assert_eq!(lanes(at_most(Instructions::Portable)), 1);
        assert!(lanes(at_most(Instructions::Avx2)) <= 8);
        match asked().unwrap() {
            Some(Instructions::Portable) => assert_eq!(lanes(arch()), 1),
            Some(Instructions::Avx2) => assert!(lanes(arch()) <= 8),
            Some(Instructions::Avx512) | None => assert_eq!(lanes(arch()), lanes(Arch::new())),
        }
    }

    /// Runs the tests of all such loops once more for lesser processors, each in a process of its own.
    #[test]
    fn lesser_processors_compute_what_they_should() {
        if std::env::var_os(VARIABLE).is_some() {
            return;
        }
        let which = ["model::kernels::", "data::resize::", "video::colour::", "simd::"];
        for (name, _) in &Instructions::NAMES[..2] {
            let program = std::env::current_exe().unwrap();
            let tests = std::process::Command::new(program).args(which).env(VARIABLE, name).output().unwrap();
            let said = String::from_utf8_lossy(&tests.stdout);
            assert!(tests.status.success(), "{name}: {said}");
            assert!(
                said.lines().any(|line| line.starts_with("test model::kernels::") && line.ends_with("ok")),
                "{said}"
            );
        }
    }
}
