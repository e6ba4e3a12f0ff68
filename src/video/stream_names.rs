//! What the words in names of pictures and folders say: which stream of a video they are.

/// The words of texts, in order.
pub(super) fn words(texts: &[String]) -> Vec<String> {
    let split = texts.iter().flat_map(|t| t.split(|c: char| !c.is_alphabetic()));
    split.filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// True for words before the number of a camera.
pub(super) fn is_camera(word: &str) -> bool {
    ["cam", "camera", "c", "view", "stream", "sensor", "kinect", "device", "dev", "channel", "ch"].contains(&word)
}

/// True for names that say picture, or nothing.
pub(super) fn is_picture(words: &[String]) -> bool {
    const KNOWN: &[&str] = &[
        "img",
        "imgs",
        "image",
        "images",
        "rgb",
        "frame",
        "frames",
        "color",
        "colour",
        "pic",
        "picture",
        "pictures",
        "jpg",
        "jpeg",
        "jpegs",
        "png",
        "photo",
        "rawframes",
    ];
    words.is_empty() || words.iter().any(|w| KNOWN.contains(&w.as_str()))
}

/// What a stream is, where it is not the pictures themselves.
pub(super) fn kind_of_words(words: &[String]) -> Option<&'static str> {
    let kinds: [(&[&str], &str); 6] = [
        (&["tvl", "farneback", "raft"], "optical flow"),
        (&["depth", "disparity", "disp"], "depth"),
        (&["ir", "nir", "infrared", "thermal"], "infrared"),
        (&["mask", "masks", "seg", "segm", "segmentation", "silhouette", "silhouettes", "matte", "alpha"], "masks"),
        (&["pose", "poses", "skeleton", "skeletons", "heatmap", "heatmaps", "keypoints"], "poses"),
        (&["diff", "rgbdiff", "normal", "normals", "edges"], "computed from the pictures"),
    ];
    words.iter().find_map(|w| {
        if w.starts_with("flow") || w.ends_with("flow") {
            return Some("optical flow");
        }
        kinds.iter().find(|(known, _)| known.contains(&w.as_str())).map(|(_, kind)| *kind)
    })
}

/// Names of pictures that are about the video and not of it.
pub(super) fn is_about(words: &[String]) -> bool {
    const KNOWN: &[&str] = &[
        "thumb",
        "thumbs",
        "thumbnail",
        "thumbnails",
        "cover",
        "poster",
        "preview",
        "contactsheet",
        "screenshot",
        "folder",
    ];
    words.iter().any(|w| KNOWN.contains(&w.as_str()))
}
