//! What is in a video file, whatever it is called and wherever it lies.

use super::scan::{Listing, peek};
use md5::{Digest, Md5};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes read at the beginning, in the middle and at the end of a file.
const PIECE: u64 = 64 << 10;

/// A digest that differs where contents do, for all but files made to deceive: of the length and three pieces of a file; of
/// the lengths of a frame folder's pictures and three of them. Empty where it cannot be read.
pub(super) fn quick(path: &Path) -> String {
    let mut digest = Md5::new();
    let done = if path.is_dir() {
        let pictures = pictures(path);
        let lengths = pictures.iter().map(|p| std::fs::metadata(p).map(|m| m.len()));
        lengths.collect::<Result<Vec<u64>, _>>().and_then(|lengths| {
            lengths.iter().for_each(|l| digest.update(l.to_le_bytes()));
            let ends = [0, pictures.len() / 2, pictures.len().saturating_sub(1)];
            ends.iter().filter_map(|i| pictures.get(*i)).try_for_each(|p| pieces(p, &mut digest))
        })
    } else {
        pieces(path, &mut digest)
    };
    done.map(|()| super::fingerprint::to_hex(&digest.finalize())).unwrap_or_default()
}

/// Digest of all that is in a file or in the pictures of a frame folder.
pub(super) fn whole(path: &Path) -> Option<String> {
    let mut digest = Md5::new();
    let files = if path.is_dir() { pictures(path) } else { vec![path.to_path_buf()] };
    for file in files {
        let mut file = File::open(file).ok()?;
        digest.update(file.metadata().ok()?.len().to_le_bytes());
        std::io::copy(&mut file, &mut digest).ok()?;
    }
    Some(super::fingerprint::to_hex(&digest.finalize()))
}

/// The pictures of a frame folder and of its folders, in natural order.
fn pictures(dir: &Path) -> Vec<PathBuf> {
    let own = |listing: &Listing| listing.images().cloned().collect::<Vec<_>>();
    let listing = peek(dir);
    let mut out = own(&listing);
    out.extend(listing.dirs.iter().flat_map(|d| own(&peek(d))));
    out
}

fn pieces(path: &Path, digest: &mut Md5) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    digest.update(length.to_le_bytes());
    let mut buffer = Vec::new();
    for start in [0, (length / 2).saturating_sub(PIECE / 2), length.saturating_sub(PIECE)] {
        buffer.clear();
        file.seek(SeekFrom::Start(start))?;
        (&mut file).take(PIECE).read_to_end(&mut buffer)?;
        digest.update(&buffer);
    }
    Ok(())
}
