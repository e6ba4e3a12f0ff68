//! The pages of a TIFF file: stacks of microscopes and laboratory cameras.

use super::stills::limits;
use image::ImageDecoder;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// More pages than any stack has.
const MOST: usize = 4_000_000;

/// Where the pages of a file are described.
pub(super) struct Pages {
    /// Pages of the first one's size, in order.
    pub places: Vec<u64>,
    /// Pages of other sizes.
    pub foreign: usize,
    /// The list of pages leads out of the file.
    pub cut: bool,
}

/// How the file stores numbers (TIFF 6.0, section 2; BigTIFF).
#[derive(Clone, Copy)]
struct NumberLayout {
    little: bool,
    big: bool,
}

impl NumberLayout {
    fn read(file: &mut (impl Read + Seek)) -> io::Result<Option<(NumberLayout, u64)>> {
        let mut head = [0; 16];
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut head[..8])?;
        let little = &head[..2] == b"II";
        let big = match (&head[..2], NumberLayout { little, big: false }.number(&head[2..4])) {
            (b"II" | b"MM", 42) => false,
            (b"II" | b"MM", 43) => true,
            _ => return Ok(None),
        };
        let layout = NumberLayout { little, big };
        if big {
            file.read_exact(&mut head[8..])?;
        }
        Ok(Some((layout, layout.number(if big { &head[8..16] } else { &head[4..8] }))))
    }

    fn number(self, bytes: &[u8]) -> u64 {
        let fold = |n: u64, b: &u8| n << 8 | u64::from(*b);
        if self.little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) }
    }

    /// Size of an address, and of an entry of a directory.
    fn sizes(self) -> (usize, usize) {
        if self.big { (8, 20) } else { (4, 12) }
    }
}

/// What a page says of itself.
#[derive(Default)]
struct Page {
    size: (u64, u64),
    /// A smaller copy of another page, or a mask.
    derived: bool,
    next: u64,
}

fn page(file: &mut (impl Read + Seek), layout: NumberLayout, place: u64) -> io::Result<Page> {
    let (address, entry) = layout.sizes();
    file.seek(SeekFrom::Start(place))?;
    let mut count = vec![0; if layout.big { 8 } else { 2 }];
    file.read_exact(&mut count)?;
    let count = usize::try_from(layout.number(&count)).unwrap_or(usize::MAX).min(1 << 16);
    let mut entries = vec![0; count * entry + address];
    file.read_exact(&mut entries)?;
    let (entries, next) = entries.split_at(count * entry);
    let mut page = Page { next: layout.number(next), ..Page::default() };
    for field in entries.chunks_exact(entry) {
        let value = &field[4 + address..];
        let value = match layout.number(&field[2..4]) {
            3 => layout.number(&value[..2]),
            4 => layout.number(&value[..4]),
            16 if layout.big => layout.number(value),
            _ => continue,
        };
        match layout.number(&field[..2]) {
            254 => page.derived |= value & 5 != 0,
            255 => page.derived |= value == 2,
            256 => page.size.0 = value,
            257 => page.size.1 = value,
            _ => {}
        }
    }
    Ok(page)
}

/// Lists the pages of a file; `None` for other files and those that cannot be read.
pub(super) fn pages(path: &Path) -> Option<Pages> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let (layout, mut place) = NumberLayout::read(&mut file).ok()??;
    let mut pages = Pages { places: Vec::new(), foreign: 0, cut: false };
    let (mut size, mut seen) = (None, HashSet::new());
    while place != 0 && seen.len() < MOST && seen.insert(place) {
        let Ok(found) = page(&mut file, layout, place) else {
            pages.cut = true;
            break;
        };
        if !found.derived {
            if *size.get_or_insert(found.size) == found.size {
                pages.places.push(place);
            } else {
                pages.foreign += 1;
            }
        }
        place = found.next;
    }
    Some(pages)
}

/// A file whose first page is another one.
struct View {
    file: BufReader<File>,
    head: Vec<u8>,
    at: u64,
}

impl Read for View {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let from = self.head.get(usize::try_from(self.at).unwrap_or(usize::MAX)..).unwrap_or_default();
        let read = if from.is_empty() {
            self.file.read(buffer)?
        } else {
            let count = from.len().min(buffer.len());
            buffer[..count].copy_from_slice(&from[..count]);
            self.file.seek(SeekFrom::Start(self.at + count as u64))?;
            count
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for View {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

/// Decodes the page described at a place.
pub(super) fn decode(path: &Path, place: u64) -> Result<image::DynamicImage, String> {
    let torn = |e: image::ImageError| format!("this page is damaged or not supported ({e})");
    let open = || -> io::Result<View> {
        let mut file = BufReader::new(File::open(path)?);
        let (layout, _) = NumberLayout::read(&mut file)?.ok_or(io::ErrorKind::InvalidData)?;
        let (address, _) = layout.sizes();
        let mut head = vec![0; 2 * address];
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut head)?;
        let bytes = if layout.little { place.to_le_bytes() } else { place.to_be_bytes() };
        let bytes = if layout.little { &bytes[..address] } else { &bytes[8 - address..] };
        head[address..].copy_from_slice(bytes);
        file.seek(SeekFrom::Start(0))?;
        Ok(View { file, head, at: 0 })
    };
    let file = open().map_err(|e| format!("it cannot be read ({e})"))?;
    let mut decoder = image::codecs::tiff::TiffDecoder::new(BufReader::new(file)).map_err(torn)?;
    decoder.set_limits(limits()).map_err(torn)?;
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = image::DynamicImage::from_decoder(decoder).map_err(torn)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}
