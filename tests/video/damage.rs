//! Damaged files end in a sentence or in the readable part with a warning, soon, and never in a hang or a panic.

use crate::support::datasets::outside;
use crate::support::ffmpeg::skip;
use kinolens::domain::RgbImage;
use kinolens::video::{FrameServer, Video, VideoError, VideoWriter, measure_seeks, probe};
use rand::{Rng, SeedableRng};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const FRAMES: u32 = 90;

/// A picture that tells its own number: a grey level, and a bar that wanders.
fn picture(number: u32, width: u32, height: u32) -> RgbImage {
    let mut data = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            let bar = (x + 64 - (number * 3) % 64) % 64 < 8;
            let level = (40 + (number * 37) % 150) as u8;
            let shade = ((x * 7 + y * 3) % 16) as u8;
            data.extend(if bar { [220, 40 + shade, 30] } else { [level, level + shade, 255 - level] });
        }
    }
    RgbImage::new(width, height, data).unwrap()
}

fn write(path: &Path, width: u32, height: u32, frames: u32) {
    let mut writer = VideoWriter::create(path, width, height, 30.0).unwrap();
    for number in 0..frames {
        writer.push(&picture(number, width, height)).unwrap();
    }
    assert!(!path.exists(), "the file has its name before it is finished");
    writer.finish().unwrap();
}

fn base() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("base.mp4");
    write(&path, 160, 120, FRAMES);
    let bytes = std::fs::read(&path).unwrap();
    (dir, path, bytes)
}

/// Position and length of a top-level box.
fn atom(bytes: &[u8], kind: &[u8; 4]) -> (usize, usize) {
    let mut at = 0;
    while at + 8 <= bytes.len() {
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        if &bytes[at + 4..at + 8] == kind {
            return (at, length);
        }
        assert!(length >= 8, "a box of {length} bytes");
        at += length;
    }
    panic!("no {} box", String::from_utf8_lossy(kind));
}

fn find(bytes: &[u8], word: &[u8]) -> usize {
    bytes.windows(word.len()).position(|w| w == word).unwrap()
}

enum Outcome {
    /// Opens with all frames and no warning.
    Sound,
    /// A sentence that contains one of the words.
    Error(&'static [&'static str]),
    /// Opens with fewer frames or a warning.
    Partial,
    /// Either of the last two.
    Bad,
}

/// Opens a variant in every way and checks the outcome and the time.
fn check(name: &str, path: &Path, outcome: &Outcome) {
    let start = Instant::now();
    let opened = probe(path, &[0]);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{name} took {took:?}");
    match (outcome, &opened) {
        (Outcome::Sound, Ok(report)) => {
            assert_eq!((report.frames, report.warnings.len()), (FRAMES, 0), "{name}: {:?}", report.warnings);
        }
        (Outcome::Partial | Outcome::Bad, Ok(report)) => {
            assert!(report.frames > 0 && report.frames <= FRAMES, "{name}: {} frames", report.frames);
            assert!(!report.warnings.is_empty(), "{name}: {} of {FRAMES} frames and no warning", report.frames);
        }
        (Outcome::Error(words), Err(error)) => {
            let said = error.to_string();
            assert!(words.iter().any(|w| said.contains(w)), "{name}: {said}");
            assert!(said.contains(&*path.file_name().unwrap().to_string_lossy()), "{name} is not named: {said}");
        }
        (Outcome::Bad, Err(error)) => assert!(matches!(error, VideoError::Open { .. }), "{name}: {error}"),
        (Outcome::Error(_), Ok(report)) => panic!("{name} opened with {} frames", report.frames),
        (_, Err(error)) => panic!("{name}: {error}"),
    }
    // Whatever opened must also play to its end.
    if let Ok(video) = Video::open(path) {
        let mut count = 0;
        video
            .for_each(0, u32::MAX, &mut |frame| {
                assert_eq!(frame.index, count, "{name}");
                count += 1;
                true
            })
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(count, video.info().frames, "{name}");
    }
}

#[test]
fn every_kind_of_damage_ends_in_a_sentence() {
    let (dir, _, good) = base();
    let (moov, moov_length) = atom(&good, b"moov");
    let (mdat, mdat_length) = atom(&good, b"mdat");
    assert!(moov < mdat, "the index is not first");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let mut noise = |n: usize| (0..n).map(|_| random.random::<u8>()).collect::<Vec<u8>>();
    let edit = |change: &mut dyn FnMut(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let noise_4k = noise(4096);
    let noise_64k = noise(65_536);
    let places = noise(800);
    let place = |n: usize| usize::from(places[2 * n]) << 8 | usize::from(places[2 * n + 1]);
    let variants: Vec<(&str, Vec<u8>, Outcome)> = vec![
        ("sound.mp4", good.clone(), Outcome::Sound),
        ("wrong_suffix.avi", good.clone(), Outcome::Sound),
        ("spaces, ünïcode & quote's.mp4", good.clone(), Outcome::Sound),
        ("then_garbage.mp4", [&good[..], &noise_4k].concat(), Outcome::Sound),
        ("zero_length.mp4", Vec::new(), Outcome::Error(&["empty"])),
        ("truncated_60.mp4", good[..good.len() * 6 / 10].to_vec(), Outcome::Partial),
        (
            "no_moov.mp4",
            [&good[..moov], &good[moov + moov_length..]].concat(),
            Outcome::Error(&["no video", "damaged"]),
        ),
        ("no_mdat.mp4", good[..mdat].to_vec(), Outcome::Error(&["no video"])),
        ("only_ftyp.mp4", good[..atom(&good, b"ftyp").1].to_vec(), Outcome::Error(&["no video", "damaged"])),
        (
            "flipped_bytes.mp4",
            edit(&mut |b| (0..200).for_each(|n| b[mdat + 8 + place(n) % (mdat_length - 8)] = n as u8)),
            Outcome::Bad,
        ),
        (
            "flipped_bits_in_index.mp4",
            edit(&mut |b| (0..30).for_each(|n| b[moov + 8 + place(n) % (moov_length - 8)] ^= 1 << (n % 8))),
            Outcome::Bad,
        ),
        (
            "zeroed_fifth.mp4",
            edit(&mut |b| {
                let from = mdat + 8 + (mdat_length - 8) / 3;
                b[from..from + (mdat_length - 8) / 5].fill(0);
            }),
            Outcome::Partial,
        ),
        (
            "claims_65535.mp4",
            edit(&mut |b| {
                let at = find(b, b"avc1");
                b[at + 28..at + 32].fill(0xff);
            }),
            Outcome::Partial,
        ),
        (
            "claims_0.mp4",
            edit(&mut |b| {
                let at = find(b, b"avc1");
                b[at + 28..at + 32].fill(0);
            }),
            Outcome::Partial,
        ),
        (
            "times_for_too_many.mp4",
            edit(&mut |b| {
                let at = find(b, b"stts");
                b[at + 12..at + 16].copy_from_slice(&0x7fff_ffff_u32.to_be_bytes());
            }),
            Outcome::Partial,
        ),
        ("noise.mp4", noise_64k, Outcome::Error(&["no video", "no picture"])),
        ("noise_first.mp4", [&noise_4k[..], &good].concat(), Outcome::Error(&["no video", "no picture"])),
        ("text.mp4", b"This is a plain text file.\n".repeat(50), Outcome::Error(&["text file"])),
        ("page.mp4", b"<!DOCTYPE html><html><body>404</body></html>".to_vec(), Outcome::Error(&["web page"])),
        (
            "pointer.mp4",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n".to_vec(),
            Outcome::Error(&["git lfs pull"]),
        ),
    ];
    for (name, bytes, outcome) in variants {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        check(name, &path, &outcome);
    }
    let folder = dir.path().join("folder.mp4");
    std::fs::create_dir(&folder).unwrap();
    check("a folder", &folder, &Outcome::Error(&["folder without pictures"]));
    check("nothing", &dir.path().join("absent.mp4"), &Outcome::Error(&["no such file"]));
}

/// Numbers of header fields that lie must neither hang nor take the machine's memory; the pictures may survive, and then
/// the owner hears that the header lies.
#[test]
fn lying_headers_are_reported_and_do_no_harm() {
    let (dir, _, good) = base();
    for (name, word, at, value, said) in [
        ("huge_count.mp4", b"stts", 12, 0x7fff_ffff_u32, "times for 2147483647"),
        ("huge_duration.mp4", b"stts", 16, 0x00ff_ffff, "contradicts itself"),
        ("timescale_zero.mp4", b"mdhd", 16, 0, "timescale_zero.mp4"),
        ("huge_samples.mp4", b"stsz", 12, 0x7fff_ffff, "data for 2147483647"),
        ("no_size.mp4", b"avc1", 28, 0, "claims 0x0 pixels"),
        ("no_width.mp4", b"avc1", 28, 120, "claims 0x120 pixels"),
    ] {
        let mut bytes = good.clone();
        let place = find(&bytes, word) + at;
        bytes[place..place + 4].copy_from_slice(&value.to_be_bytes());
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let start = Instant::now();
        match probe(&path, &[]) {
            Ok(report) => {
                assert!(report.frames > 0 && report.frames <= FRAMES, "{name}: {} frames", report.frames);
                assert!(report.warnings.iter().any(|w| w.contains(said)), "{name}: {:?}", report.warnings);
            }
            Err(error) => assert!(error.to_string().contains(name), "{error}"),
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{name} took {:?}", start.elapsed());
        // The index kept from the first time says the same.
        if let Ok(video) = Video::open(&path) {
            assert!(video.info().warnings.iter().any(|w| w.contains(said)), "{name}: {:?}", video.info().warnings);
        }
    }
}

/// The damage that a script does to real videos: sound variants open without a word, all others end soon in a sentence
/// or a warning.
#[test]
fn real_videos_damaged_by_a_script_end_in_a_sentence() {
    let Some(folder) = outside("KINOLENS_VIDEOS", "../shared/data") else { return };
    let script = folder.join("make_corrupt.sh");
    let runs = |program: &str| std::process::Command::new(program).arg("--help").output().is_ok();
    if !runs("ffmpeg") {
        return skip(&format!("FFmpeg, which {} needs, does not run here", script.display()));
    }
    if !runs("python3") {
        return skip(&format!("python3, which {} needs, does not run here", script.display()));
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    // Files of different containers, small ones for speed.
    let mut inputs: Vec<(u64, PathBuf)> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|f| Some((f["size"].as_u64()?, folder.join(f["file"].as_str()?))))
        .filter(|(size, path)| *size > 60_000 && path.is_file())
        .collect();
    inputs.sort();
    let mut seen = std::collections::HashSet::new();
    inputs.retain(|(_, path)| seen.insert(path.extension().map(std::ffi::OsStr::to_owned)));
    for (_, input) in inputs.iter().take(4) {
        let out = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("bash").arg(&script).args([input, out.path()]).output().unwrap();
        if !made.status.success() {
            eprintln!("skipped: {} cannot be damaged by the script", input.display());
            continue;
        }
        let mut count = 0;
        for entry in std::fs::read_dir(out.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let sound =
                ["00_", "26_", "30_", "31_", "32_", "34_", "35_", "36_", "37 "].iter().any(|p| name.starts_with(p));
            let start = Instant::now();
            let opened = probe(&path, &[0]);
            assert!(start.elapsed() < Duration::from_secs(10), "{name} took {:?}", start.elapsed());
            let told = match &opened {
                Ok(report) => !report.warnings.is_empty(),
                Err(error) => {
                    assert!(error.to_string().contains(&name), "{name} is not named: {error}");
                    true
                }
            };
            assert_eq!(told, !sound, "{} of {}: {opened:?}", name, input.display());
            count += 1;
        }
        assert!(count >= 30, "only {count} variants of {}", input.display());
    }
}

#[test]
fn what_was_written_comes_back_frame_by_frame() {
    let dir = tempfile::tempdir().unwrap();
    // Odd sizes are padded by one pixel.
    for (width, height) in [(160, 120), (161, 121)] {
        let path = dir.path().join(format!("{width}.mp4"));
        write(&path, width, height, FRAMES);
        let video = Video::open(&path).unwrap();
        let info = video.info();
        assert_eq!((info.width, info.height), (width.next_multiple_of(2), height.next_multiple_of(2)));
        assert_eq!((info.frames, info.fps, info.codec.as_str()), (FRAMES, 30.0, "h264"));
        assert!(info.warnings.is_empty() && !info.variable_frame_rate, "{info:?}");
        for number in [0, 1, 29, 30, 31, 89, 45, 44, 7] {
            let frame = video.frame(number).unwrap();
            assert!((frame.pts_s - f64::from(number) / 30.0).abs() < 1e-3);
            let want = picture(number, width, height);
            let mut sum = 0_u64;
            for y in 0..height as usize {
                let row = |image: &RgbImage| image.data[y * image.width as usize * 3..][..width as usize * 3].to_vec();
                sum += row(&want).iter().zip(row(&frame.image)).map(|(a, b)| u64::from(a.abs_diff(b))).sum::<u64>();
            }
            let mean = sum as f64 / f64::from(width * height * 3);
            assert!(mean < 8.0, "frame {number} of {width}x{height} differs by {mean:.1} on average");
        }
        assert!(matches!(video.frame(FRAMES), Err(VideoError::OutOfRange { frames: FRAMES, .. })));
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("never.mp4");
    let mut writer = VideoWriter::create(&path, 64, 64, 25.0).unwrap();
    writer.push(&picture(0, 64, 64)).unwrap();
    assert!(writer.push(&picture(0, 32, 64)).is_err(), "a frame of another size was taken");
    drop(writer);
    assert!(VideoWriter::create(&path, 64, 64, 25.0).unwrap().finish().is_err(), "a video without frames");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "something was left behind");
    assert!(VideoWriter::create(&dir.path().join("no/such/folder.mp4"), 64, 64, 25.0).is_err());
}

#[test]
fn folders_and_pictures_are_videos_too() {
    let dir = tempfile::tempdir().unwrap();
    for number in [10_u8, 9, 11] {
        let image = image::RgbImage::from_pixel(8, 6, image::Rgb([number, 0, 200]));
        image.save(dir.path().join(format!("img{number}.png"))).unwrap();
    }
    std::fs::write(dir.path().join("notes.txt"), "not a picture").unwrap();
    let video = Video::open(dir.path()).unwrap();
    assert_eq!((video.info().frames, video.info().width, video.info().fps), (3, 8, 25.0));
    let reds: Vec<u8> = (0..3).map(|n| video.frame(n).unwrap().image.data[0]).collect();
    assert_eq!(reds, [9, 10, 11], "not in natural order");
    assert_eq!(Video::open_at(dir.path(), 10.0).unwrap().pts_s(1), Some(0.1));
    let single = Video::open(&dir.path().join("img9.png")).unwrap();
    assert_eq!((single.info().frames, single.info().codec.as_str()), (1, "png"));
}

#[test]
fn a_changed_file_is_indexed_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp4");
    write(&path, 64, 64, 10);
    assert_eq!(Video::open(&path).unwrap().info().frames, 10);
    std::fs::remove_file(&path).unwrap();
    write(&path, 64, 64, 20);
    assert_eq!(Video::open(&path).unwrap().info().frames, 20);
}

/// Asks until the answer is exact.
fn exact(server: &FrameServer, path: &Path, index: u32) -> kinolens::video::Shown {
    let start = Instant::now();
    loop {
        let shown = server.request(path, index);
        if shown.exact || shown.error.is_some() {
            return shown;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "frame {index} never came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn the_server_shows_the_nearest_at_once_and_the_exact_one_soon() {
    let (dir, path, _) = base();
    let woken = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let budget = 40 * 160 * 120 * 3;
    let server = FrameServer::new(budget, {
        let woken = woken.clone();
        Arc::new(move || {
            woken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        })
    });
    assert!(server.request(&path, 5).frame.is_none(), "a frame before anything was decoded");
    let truth = Video::open(&path).unwrap();
    for index in [5, 80, 6, 33] {
        let shown = exact(&server, &path, index);
        let frame = shown.frame.unwrap();
        assert_eq!((frame.index, &frame.image), (index, &truth.frame(index).unwrap().image));
    }
    let near = server.request(&path, 34);
    assert!(near.exact || near.frame.is_some_and(|f| f.index == 33), "not the nearest decoded frame");
    assert_eq!(server.info(&path).unwrap().unwrap().frames, FRAMES);
    assert!(woken.load(std::sync::atomic::Ordering::Relaxed) > 0, "nobody was told");

    // Scrubbing: of many requests only the last has to be answered.
    for index in (0..FRAMES).rev() {
        server.request(&path, index);
    }
    assert!(exact(&server, &path, 0).exact);

    // Playing: the frames ahead are there before they are asked for.
    exact(&server, &path, 40);
    server.set_playing(true);
    // All that is decoded ahead is there when nothing new has come for a while.
    let count = || server.usage().0;
    let (mut seen, mut since) = (count(), Instant::now());
    while since.elapsed() < Duration::from_millis(400) {
        std::thread::sleep(Duration::from_millis(5));
        if count() != seen {
            (seen, since) = (count(), Instant::now());
        }
    }
    for index in 41..=50 {
        assert!(server.request(&path, index).exact, "frame {index} was not decoded ahead");
    }
    server.set_playing(false);

    // The budget holds after every frame has been asked for.
    for index in 0..FRAMES {
        exact(&server, &path, index);
    }
    let (held, allowed) = server.usage();
    assert!(held <= allowed && allowed == budget, "{held} bytes of {allowed}");

    // Errors are sentences.
    assert!(exact(&server, &path, 1000).error.unwrap().contains("does not exist"));
    let text = dir.path().join("text.mp4");
    std::fs::write(&text, "no video here").unwrap();
    assert!(exact(&server, &text, 0).error.unwrap().contains("text file"));
    assert!(server.info(&text).unwrap().is_err());

    // Idle, nothing happens.
    std::thread::sleep(Duration::from_millis(100));
    let before = woken.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(woken.load(std::sync::atomic::Ordering::Relaxed), before, "the server works without being asked");
}

#[test]
fn jumps_are_measured() {
    let (_dir, path, _) = base();
    let figures = measure_seeks(&path, 20, 1).unwrap();
    assert!(figures.median_ms > 0.0 && figures.median_ms <= figures.p95_ms && figures.p95_ms <= figures.max_ms);
}

#[test]
fn a_jpeg_has_luma_and_colour() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jpg");
    // Full-range BT.601: luma of (200, 100, 50) is 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2.
    image::RgbImage::from_pixel(32, 24, image::Rgb([200, 100, 50])).save(&path).unwrap();
    let report = probe(&path, &[0]).unwrap();
    let sample = &report.samples[0];
    assert!((sample.luma.unwrap() - 124.2).abs() < 1.0, "{sample:?}");
    assert!((sample.mean.r - 200.0).abs() < 2.5 && (sample.mean.b - 50.0).abs() < 2.5, "{sample:?}");
    assert_eq!((report.frames, report.codec.as_str()), (1, "mjpeg"));
}
