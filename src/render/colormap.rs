//! Colour maps: numbers 0…1 to colours, as tables of 256 entries.

use super::RenderError;
use crate::domain::choices;
use serde::{Deserialize, Deserializer, Serializer};
use std::sync::OnceLock;

/// 256 RGB colours, from the lowest value to the highest.
pub type Lut = [[u8; 3]; 256];

/// How the table of a map is made.
#[derive(Debug)]
enum Source {
    /// 33 colours at entries `round(k * 255 / 32)`, linear between; within 3/255 of the published table.
    Points(&'static [u32; 33]),
    /// A function of 0…1 to RGB 0…1.
    Formula(fn(f32) -> [f32; 3]),
}

/// A row of the colour map registry.
#[derive(Debug)]
pub struct ColorMap {
    /// Id in files, on the command line and in saved layouts.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// One line on what it is good for and where it misleads.
    pub note: &'static str,
    /// True when equal steps of the value look like equal steps of the colour.
    pub perceptually_uniform: bool,
    source: Source,
    table: OnceLock<Lut>,
}

const fn row(
    id: &'static str,
    title: &'static str,
    note: &'static str,
    perceptually_uniform: bool,
    source: Source,
) -> ColorMap {
    ColorMap { id, title, note, perceptually_uniform, source, table: OnceLock::new() }
}

/// Every colour map; the first is the default.
pub static COLOR_MAPS: [ColorMap; 8] = [
    row(
        "turbo",
        "Turbo",
        "A smoother rainbow with high contrast over photographs; brightness rises and falls, so compare colours, not \
         brightness.",
        false,
        Source::Points(&TURBO),
    ),
    row(
        "viridis",
        "Viridis",
        "Perceptually uniform, from dark blue to yellow; safe for colour-blind readers and in grey print.",
        true,
        Source::Points(&VIRIDIS),
    ),
    row(
        "inferno",
        "Inferno",
        "Perceptually uniform, from black through red to pale yellow.",
        true,
        Source::Points(&INFERNO),
    ),
    row("magma", "Magma", "Perceptually uniform, from black through purple to cream.", true, Source::Points(&MAGMA)),
    row(
        "plasma",
        "Plasma",
        "Perceptually uniform, from blue through pink to yellow; no dark end.",
        true,
        Source::Points(&PLASMA),
    ),
    row(
        "jet",
        "Jet",
        "Not perceptually uniform: bright bands suggest edges that are not in the data; for comparison with older papers.",
        false,
        Source::Formula(jet),
    ),
    row(
        "coolwarm",
        "Cool–warm",
        "Diverging, from blue over light grey to red: for differences, with the middle as zero.",
        false,
        Source::Points(&COOLWARM),
    ),
    row("gray", "Gray", "Black to white, linear in the sRGB value.", true, Source::Formula(|v| [v; 3])),
];

/// The colour map with this id.
///
/// # Errors
/// [`RenderError::UnknownColorMap`], naming the ids there are.
pub fn color_map(id: &str) -> Result<&'static ColorMap, RenderError> {
    COLOR_MAPS.iter().find(|m| m.id == id).ok_or_else(|| RenderError::UnknownColorMap {
        id: id.to_owned(),
        known: choices(id, COLOR_MAPS.iter().map(|m| m.id)),
    })
}

impl ColorMap {
    /// The table; made once.
    pub fn lut(&self) -> &Lut {
        self.table.get_or_init(|| match &self.source {
            Source::Points(points) => from_points(points),
            Source::Formula(f) => std::array::from_fn(|i| f(i as f32 / 255.0).map(to_byte)),
        })
    }

    /// The colour of a value 0…1 (clamped; NaN counts as 0), linear between the two nearest entries. RGB 0…1.
    pub fn sample(&self, value: f32) -> [f32; 3] {
        sample_lut(self.lut(), value)
    }

    /// Position in [`COLOR_MAPS`].
    pub fn row(&self) -> usize {
        COLOR_MAPS.iter().position(|m| m.id == self.id).unwrap_or(0)
    }
}

impl PartialEq for ColorMap {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// The colour of a value 0…1 in a table, linear between entries. RGB 0…1. The shader does the same arithmetic.
pub(super) fn sample_lut(lut: &Lut, value: f32) -> [f32; 3] {
    // `max` before `min` turns NaN into 0.
    // Not `clamp`: it keeps NaN, and NaN must become 0.
    #[allow(clippy::manual_clamp)]
    let at = value.max(0.0).min(1.0) * 255.0;
    let low = at.floor().min(254.0);
    let (a, b) = (lut[low as usize], lut[low as usize + 1]);
    let f = at - low;
    std::array::from_fn(|c| (f32::from(a[c]) * (1.0 - f) + f32::from(b[c]) * f) / 255.0)
}

fn from_points(points: &[u32; 33]) -> Lut {
    let entry = |k: usize| (k * 255 + 16) / 32;
    let rgb = |k: usize| [16, 8, 0].map(|shift| ((points[k] >> shift) & 255) as f32);
    let mut k = 0;
    std::array::from_fn(|i| {
        while k < 31 && i > entry(k + 1) {
            k += 1;
        }
        let f = (i - entry(k)) as f32 / (entry(k + 1) - entry(k)) as f32;
        let (a, b) = (rgb(k), rgb(k + 1));
        std::array::from_fn(|c| to_byte((a[c] * (1.0 - f) + b[c] * f) / 255.0))
    })
}

fn to_byte(v: f32) -> u8 {
    (v.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// The classic rainbow: three trapezoids, one a channel.
fn jet(v: f32) -> [f32; 3] {
    [3.0, 2.0, 1.0].map(|centre| (1.5 - (4.0 * v - centre).abs()).clamp(0.0, 1.0))
}

/// Saves a colour map as its id; for `#[serde(with = "…")]`.
pub mod by_id {
    use super::{ColorMap, Deserialize, Deserializer, Serializer, color_map};

    /// Writes the id.
    pub fn serialize<S: Serializer>(map: &&'static ColorMap, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(map.id)
    }

    /// Reads an id; an unknown one is an error that names those there are.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<&'static ColorMap, D::Error> {
        color_map(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

// Control points sampled from the published tables: viridis, inferno, magma, plasma (Smith & van der Walt 2015, CC0),
// turbo (Mikhailov 2019), coolwarm (Moreland 2009).
const VIRIDIS: [u32; 33] = [
    0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453781, 0x424086, 0x3e4989, 0x3b528b, 0x375b8d, 0x33638d,
    0x2f6b8e, 0x2c728e, 0x297a8e, 0x26828e, 0x23898e, 0x21918c, 0x1f978b, 0x1f9f88, 0x21a685, 0x27ad81, 0x31b57b,
    0x3dbc74, 0x4cc26c, 0x5cc863, 0x6ece58, 0x81d34d, 0x95d840, 0xaadc32, 0xc0df25, 0xd5e21a, 0xeae51a, 0xfde725,
];
const INFERNO: [u32; 33] = [
    0x000004, 0x040312, 0x0b0724, 0x150b37, 0x210c4a, 0x2f0a5b, 0x3d0965, 0x4a0c6b, 0x57106e, 0x64156e, 0x71196e,
    0x7d1e6d, 0x8a226a, 0x972766, 0xa32c61, 0xb0315b, 0xbc3754, 0xc63d4d, 0xd04545, 0xda4e3c, 0xe35933, 0xeb6429,
    0xf1711f, 0xf67e14, 0xf98c0a, 0xfb9b06, 0xfcaa0f, 0xfbba1f, 0xf9c932, 0xf5d949, 0xf2e865, 0xf3f586, 0xfcffa4,
];
const MAGMA: [u32; 33] = [
    0x000004, 0x030312, 0x0a0822, 0x130d34, 0x1d1147, 0x29115a, 0x36106b, 0x440f76, 0x51127c, 0x5d177f, 0x6a1c81,
    0x762181, 0x832681, 0x902a81, 0x9c2e7f, 0xaa337d, 0xb73779, 0xc23b75, 0xcf4070, 0xdb476a, 0xe55064, 0xee5b5e,
    0xf4695c, 0xf9785d, 0xfb8761, 0xfd9668, 0xfea571, 0xfeb47b, 0xfec287, 0xfed194, 0xfde0a1, 0xfceeb0, 0xfcfdbf,
];
const PLASMA: [u32; 33] = [
    0x0d0887, 0x220690, 0x310597, 0x3f049c, 0x4c02a1, 0x5901a5, 0x6600a7, 0x7201a8, 0x7e03a8, 0x8a09a5, 0x9511a1,
    0xa01a9c, 0xaa2395, 0xb32c8e, 0xbc3587, 0xc43e7f, 0xcc4778, 0xd24f71, 0xd9586a, 0xdf6263, 0xe56b5d, 0xeb7556,
    0xf07f4f, 0xf48948, 0xf89441, 0xfb9f3a, 0xfdab33, 0xfeb72d, 0xfdc328, 0xfcd025, 0xf9dd25, 0xf5eb27, 0xf0f921,
];
const TURBO: [u32; 33] = [
    0x30123b, 0x392a73, 0x4040a2, 0x4456c7, 0x466be3, 0x4680f6, 0x4294ff, 0x37a8fa, 0x28bceb, 0x1ccdd8, 0x18ddc2,
    0x1fe9af, 0x32f298, 0x4ef97d, 0x6dfe62, 0x8bff4b, 0xa4fc3c, 0xb7f735, 0xcbed34, 0xdde037, 0xecd13a, 0xf7c13a,
    0xfdae35, 0xfe992c, 0xfb8122, 0xf56918, 0xec530f, 0xe14109, 0xd23105, 0xc12302, 0xac1701, 0x950d01, 0x7a0403,
];
const COOLWARM: [u32; 33] = [
    0x3b4cc0, 0x445acc, 0x4e68d8, 0x5875e1, 0x6282ea, 0x6c8ff1, 0x779af7, 0x82a6fb, 0x8db0fe, 0x98b9ff, 0xa3c2fe,
    0xaec9fc, 0xb9d0f9, 0xc3d5f4, 0xccd9ed, 0xd5dbe5, 0xdddcdc, 0xe4d9d2, 0xebd3c6, 0xf1cdba, 0xf4c5ad, 0xf7bca1,
    0xf7b194, 0xf7a688, 0xf49a7b, 0xf18d6f, 0xec7f63, 0xe57058, 0xde614d, 0xd55042, 0xcb3e38, 0xc0282f, 0xb40426,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of the published tables that are not control points here.
    #[rustfmt::skip]
    #[allow(clippy::type_complexity)]
    const PUBLISHED: [(&str, [(usize, [u8; 3]); 8]); 6] = [
        ("viridis", [(3, [69, 5, 89]), (37, [70, 51, 127]), (77, [52, 96, 141]), (100, [42, 118, 142]), (141, [30, 157, 137]), (180, [70, 192, 111]), (213, [144, 215, 67]), (250, [241, 229, 29])]),
        ("inferno", [(3, [1, 1, 8]), (37, [41, 11, 85]), (77, [108, 24, 110]), (100, [144, 37, 104]), (141, [206, 67, 71]), (180, [244, 121, 24]), (213, [251, 182, 26]), (250, [245, 249, 146])]),
        ("magma", [(3, [1, 1, 8]), (37, [36, 18, 83]), (77, [101, 26, 128]), (100, [137, 40, 129]), (141, [204, 63, 113]), (180, [247, 114, 92]), (213, [254, 176, 120]), (250, [252, 244, 182])]),
        ("plasma", [(3, [22, 7, 138]), (37, [85, 2, 164]), (77, [145, 14, 163]), (100, [174, 40, 146]), (141, [215, 86, 108]), (180, [243, 133, 75]), (213, [253, 180, 47]), (250, [243, 240, 39])]),
        ("turbo", [(3, [52, 27, 81]), (37, [71, 120, 240]), (77, [24, 215, 202]), (100, [63, 246, 138]), (141, [198, 240, 52]), (180, [254, 161, 48]), (213, [228, 69, 10]), (250, [139, 9, 2])]),
        ("coolwarm", [(3, [62, 81, 197]), (37, [104, 138, 239]), (77, [159, 191, 255]), (100, [190, 210, 246]), (141, [234, 213, 201]), (180, [247, 170, 140]), (213, [231, 116, 91]), (250, [187, 27, 44])]),
    ];

    #[test]
    fn tables_follow_the_published_ones() {
        for (id, entries) in PUBLISHED {
            let lut = color_map(id).unwrap().lut();
            for (i, want) in entries {
                for c in 0..3 {
                    assert!(lut[i][c].abs_diff(want[c]) <= 3, "{id}[{i}] is {:?}, published {want:?}", lut[i]);
                }
            }
        }
    }

    /// OpenCV's jet at 0, 32, 64, …, 255 (BGR there).
    #[test]
    fn jet_is_the_usual_jet() {
        let want = [
            (0, [0, 0, 128]),
            (32, [0, 0, 255]),
            (64, [0, 128, 255]),
            (96, [2, 255, 254]),
            (128, [130, 255, 126]),
            (160, [255, 252, 0]),
            (192, [255, 124, 0]),
            (224, [252, 0, 0]),
            (255, [128, 0, 0]),
        ];
        let lut = color_map("jet").unwrap().lut();
        for (i, rgb) in want {
            for c in 0..3 {
                assert!(lut[i][c].abs_diff(rgb[c]) <= 1, "jet[{i}] is {:?}", lut[i]);
            }
        }
    }

    #[test]
    fn uniform_maps_grow_brighter_all_the_way() {
        let luma = |c: [u8; 3]| 0.2126 * f32::from(c[0]) + 0.7152 * f32::from(c[1]) + 0.0722 * f32::from(c[2]);
        for map in COLOR_MAPS.iter().filter(|m| m.perceptually_uniform) {
            for pair in map.lut().windows(2) {
                assert!(luma(pair[1]) >= luma(pair[0]) - 0.8, "{} falls at {pair:?}", map.id);
            }
        }
    }

    #[test]
    fn sampling_is_clamped_and_linear() {
        let gray = color_map("gray").unwrap();
        assert_eq!(gray.sample(f32::NAN), [0.0; 3]);
        assert_eq!(gray.sample(-3.0), [0.0; 3]);
        assert_eq!(gray.sample(7.0), [1.0; 3]);
        assert!((gray.sample(0.3)[1] - 0.3).abs() < 1e-6);
    }

    #[test]
    fn unknown_ids_are_answered_with_the_known_ones() {
        let message = color_map("rainbow").unwrap_err().to_string();
        assert!(message.contains("rainbow") && message.contains("viridis"), "{message}");
    }
}
