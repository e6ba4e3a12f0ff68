//! GStreamer itself: started once, made deterministic, and asked which decoder to use.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use std::cell::Cell;
use std::sync::OnceLock;

thread_local! {
    static COMPLAINTS: Cell<u32> = const { Cell::new(0) };
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
    gst::log::add_log_function(|category, level, _, _, _, _, _| {
        if level == gst::DebugLevel::Error && category.name() == "libav" {
            COMPLAINTS.with(|c| c.set(c.get().saturating_add(1)));
        }
    });
}

/// Complaints of libav on this thread since the last call. Only single-threaded decoders complain on the caller's thread.
pub(super) fn take_complaints() -> u32 {
    COMPLAINTS.with(|c| c.replace(0))
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

/// The Debian packages that hold the decoder for a codec, for the sentence that says it is missing.
pub(super) fn package_for(caps_name: &str) -> &'static str {
    match caps_name {
        "video/x-vp8" | "video/x-vp9" | "image/png" | "image/jpeg" => "gstreamer1.0-plugins-good",
        "video/x-av1" => "gstreamer1.0-plugins-bad",
        _ => "gstreamer1.0-libav",
    }
}
