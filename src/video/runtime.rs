//! GStreamer itself: started once, made deterministic, and asked which decoder to use.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

thread_local! {
    static COMPLAINTS: Cell<Complaints> = const { Cell::new(Complaints { count: 0, no_memory: false }) };
}

/// Complaints on all threads.
static ALL: AtomicU32 = AtomicU32::new(0);

/// What libav complained of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Complaints {
    pub count: u32,
    /// A picture was lost because it was given no memory: GStreamer's wrapper does that on a single thread where pictures
    /// before it are missing, as at the beginning of a recording that was cut.
    pub no_memory: bool,
}

/// Starts GStreamer once for the process.
///
/// # Errors
/// A sentence that names what to install when GStreamer or its plugins are missing.
pub(super) fn init() -> Result<(), String> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    STARTED.get_or_init(start).clone()
}

fn start() -> Result<(), String> {
    gst::init().map_err(|e| format!("GStreamer does not start ({e}); reinstall libgstreamer1.0-0"))?;
    for (element, package) in [("filesrc", "libgstreamer1.0-0"), ("parsebin", "gstreamer1.0-plugins-base")] {
        if gst::ElementFactory::find(element).is_none() {
            return Err(format!(
                "GStreamer's element `{element}` is missing; install it (Debian: apt-get install {package} \
                 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav)"
            ));
        }
    }
    listen_to_libav();
    Ok(())
}

/// libav reports broken data only as log lines. Counting them is the one way to learn that a picture was patched up;
/// the lines themselves stay off the terminal unless the user asked for GStreamer's log.
fn listen_to_libav() {
    if std::env::var_os("GST_DEBUG").is_none() {
        gst::log::remove_default_log_function();
    }
    gst::log::set_threshold_for_name("libav", gst::DebugLevel::Error);
    gst::log::add_log_function(|category, level, _, _, _, _, message| {
        if level == gst::DebugLevel::Error && category.name() == "libav" {
            ALL.fetch_add(1, Ordering::Relaxed);
            let no_memory = message.get().is_some_and(|m| m.contains("get_buffer() failed"));
            COMPLAINTS.with(|c| {
                let Complaints { count, no_memory: before } = c.get();
                c.set(Complaints { count: count.saturating_add(1), no_memory: before || no_memory });
            });
        }
    });
}

/// Complaints of libav on this thread since the last call. Only single-threaded decoders complain on the caller's thread.
pub(super) fn take_complaints() -> Complaints {
    COMPLAINTS.take()
}

/// Complaints of libav so far, on whatever thread: more after decoding than before it are a reason to look closer.
pub(super) fn complaints() -> u32 {
    ALL.load(Ordering::Relaxed)
}

/// The version of GStreamer that runs, part of what a cached index depends on.
pub(super) fn version() -> String {
    gst::version_string().to_string()
}

/// Decoders that take `caps`, best first. Hardware decoders come last: their pictures differ from machine to machine,
/// and a dataset must decode to the same bytes everywhere.
pub(super) fn decoders_for(caps: &gst::CapsRef) -> Vec<gst::ElementFactory> {
    let kind = gst::ElementFactoryType::DECODER | gst::ElementFactoryType::MEDIA_VIDEO;
    let kind_image = gst::ElementFactoryType::DECODER | gst::ElementFactoryType::MEDIA_IMAGE;
    let mut found: Vec<gst::ElementFactory> = Vec::new();
    for kind in [kind, kind_image] {
        for factory in gst::ElementFactory::factories_with_type(kind, gst::Rank::MARGINAL) {
            if factory.can_sink_any_caps(caps) && !found.contains(&factory) {
                found.push(factory);
            }
        }
    }
    // Decoders that are bins around a second, alpha stream wait for data that our single stream does not bring.
    found.retain(|f| !f.name().contains("alphadecodebin"));
    found.sort_by_key(|f| {
        let hardware = f.klass().contains("Hardware");
        (hardware, -preference(f), std::cmp::Reverse(glib::translate::IntoGlib::into_glib(f.rank())), f.name())
    });
    found
}

/// Above the rank: decoders known to cope with damaged streams, and never the experimental ones.
fn preference(factory: &gst::ElementFactory) -> i32 {
    match factory.name().as_str() {
        "avdec_h264" | "avdec_h265" | "avdec_mjpeg" | "avdec_mpeg2video" | "dav1ddec" => 1,
        "openh264dec" | "openjpegdec" => -1,
        _ => 0,
    }
}

/// Why there is no decoder for compressed caps, and what to do: a package is named only where it is missing.
pub(super) fn no_decoder(caps: &gst::CapsRef) -> String {
    let name = caps.structure(0).map_or("", |s| s.name().as_str());
    let (plugin, package) = match name {
        "video/x-vp8" | "video/x-vp9" => ("vpx", "gstreamer1.0-plugins-good"),
        "image/png" => ("png", "gstreamer1.0-plugins-good"),
        "image/jpeg" => ("jpeg", "gstreamer1.0-plugins-good"),
        "video/x-av1" => ("aom", "gstreamer1.0-plugins-bad"),
        _ => ("libav", "gstreamer1.0-libav"),
    };
    let codec = codec_title(caps);
    if gst::Registry::get().find_plugin(plugin).is_none() {
        return format!("no decoder for {codec} is installed (Debian: apt-get install {package})");
    }
    format!("its codec, {codec}, is not supported here")
}

/// Stands for a codec whose container tells GStreamer less than it says itself.
pub(super) const NAMELESS: &str = "one without a name";

/// The name people know a codec by.
fn codec_title(caps: &gst::CapsRef) -> String {
    let Some(s) = caps.structure(0) else { return NAMELESS.into() };
    let text = |field: &str| s.get::<&str>(field).ok().map(str::to_owned);
    let number = || {
        let code = s.get::<i32>("fourcc").ok()?.to_le_bytes();
        code.iter().all(u8::is_ascii_graphic).then(|| String::from_utf8_lossy(&code).into_owned())
    };
    let code = s.name().strip_prefix("video/x-gst-fourcc-").map(str::to_owned);
    let code = code.or_else(|| text("codec-id")).or_else(|| text("fourcc")).or_else(number).or_else(|| text("format"));
    let code =
        code.unwrap_or_else(|| s.name().rsplit('/').next().unwrap_or_default().trim_start_matches("x-").to_owned());
    match code.as_str() {
        // Containers in containers: the code stands in data that GStreamer does not hand out.
        "V_QUICKTIME" | "V_MS/VFW/FOURCC" | "avi-unknown" | "unknown" | "" => NAMELESS.into(),
        code => codec_name(code),
    }
}

/// A code of four characters with the name people know the codec by.
pub(super) fn codec_name(code: &str) -> String {
    let known = match code.trim_end_matches(['_', ' ']) {
        "AVdh" => "DNxHR",
        "AVdn" | "dnxhd" => "DNxHD",
        "CFHD" | "cineform" => "CineForm",
        "FFVH" => "FFmpeg's HuffYUV",
        "Hap1" | "Hap5" | "HapY" | "HapM" | "HapA" => "HAP",
        "LJPG" => "lossless JPEG",
        "M8RG" | "M8RA" | "M8Y0" | "M8Y2" | "M8Y4" | "M8G0" | "MAGY" => "MagicYUV",
        "MJLS" => "JPEG-LS",
        "H261" => "H.261",
        "ULRG" | "ULRA" | "ULY0" | "ULY2" | "ULY4" | "ULH0" | "ULH2" | "ULH4" | "UQRG" | "UQRA" | "UQY0" | "UQY2"
        | "UMRG" | "UMRA" | "UMY2" | "UMY4" | "UMH2" | "UMH4" => "Ut Video",
        "SHQ0" | "SHQ1" | "SHQ2" | "SHQ3" | "SHQ4" | "SHQ5" | "SHQ7" | "SHQ9" => "SpeedHQ",
        _ => return code.to_owned(),
    };
    format!("{known} ({code})")
}
