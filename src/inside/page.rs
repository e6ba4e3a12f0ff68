//! A page of text, tables, drawings and pictures as one HTML file that needs nothing else.

use crate::domain::RgbImage;
use crate::render::encoded::base64;
use image::ImageEncoder;
use image::codecs::png::PngEncoder;
use std::fmt::Write;

const STYLE: &str = "body{font:15px/1.5 sans-serif;color:#22242a;background:#fff;max-width:1180px;margin:24px auto;padding:0 20px}\
h1{font-size:24px}h2{font-size:19px;margin-top:38px;border-bottom:1px solid #e4e6eb}h3{font-size:16px;margin-bottom:4px}\
table{border-collapse:collapse;margin:8px 0}td,th{padding:2px 12px 2px 0;text-align:left;vertical-align:top;\
border-bottom:1px solid #e4e6eb}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\
figure{margin:12px 0}figcaption{color:#62666f;font-size:13px}img{image-rendering:pixelated;max-width:100%}\
.wide{overflow-x:auto;border:1px solid #e4e6eb}.wide img{max-width:none}.warn{background:#fdf3e1;border-left:4px solid \
#e08a2e;padding:6px 12px}";

/// A part of a [`Page`].
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Begins a section.
    Heading(String),
    /// Begins a part of a section.
    Subheading(String),
    /// A paragraph.
    Text(String),
    /// A paragraph that stands out.
    Warning(String),
    /// Names of columns, and rows; columns of numbers stand to the right.
    Table {
        /// Names.
        header: Vec<String>,
        /// Rows of as many cells.
        rows: Vec<Vec<String>>,
    },
    /// An SVG document, which may be wider than the page.
    Drawing {
        /// What it shows.
        caption: String,
        /// The document.
        svg: String,
    },
    /// A picture.
    Picture {
        /// What it shows.
        caption: String,
        /// Its pixels.
        picture: RgbImage,
    },
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Title.
    pub title: String,
    /// What is on it.
    pub blocks: Vec<Block>,
}

impl Page {
    /// With this title.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    /// Adds a part.
    pub fn push(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// The page as one HTML document without scripts and without other files: pictures are in it as PNG.
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        let mut out = format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\
             <body><h1>{title}</h1>"
        );
        self.blocks.iter().for_each(|block| write_block(&mut out, block));
        out += "</body></html>\n";
        out
    }
}

fn write_block(out: &mut String, block: &Block) {
    // Writing to a string cannot fail.
    let _ = match block {
        Block::Heading(text) => write!(out, "<h2>{}</h2>", escaped(text)),
        Block::Subheading(text) => write!(out, "<h3>{}</h3>", escaped(text)),
        Block::Text(text) => write!(out, "<p>{}</p>", escaped(text)),
        Block::Warning(text) => write!(out, "<p class=\"warn\">{}</p>", escaped(text)),
        Block::Table { header, rows } => {
            write_table(out, header, rows);
            Ok(())
        }
        Block::Drawing { caption, svg } => {
            write!(out, "<figure><div class=\"wide\">{svg}</div><figcaption>{}</figcaption></figure>", escaped(caption))
        }
        Block::Picture { caption, picture } => {
            let caption = escaped(caption);
            let (width, height) = (picture.width, picture.height);
            match png_bytes(picture) {
                Some(png) => write!(
                    out,
                    "<figure><div class=\"wide\"><img width=\"{width}\" height=\"{height}\" alt=\"{caption}\" \
                     src=\"data:image/png;base64,{}\"></div><figcaption>{caption}</figcaption></figure>",
                    base64(&png)
                ),
                None => write!(
                    out,
                    "<p class=\"warn\">{caption}: a picture of {width}x{height} pixels cannot be written</p>"
                ),
            }
        }
    };
}

fn write_table(out: &mut String, header: &[String], rows: &[Vec<String>]) {
    let numeric = |column: usize| {
        let number = |text: &String| {
            let digits = text.trim_end_matches([' ', '%']).replace([',', ' '], "");
            text.is_empty() || digits.parse::<f64>().is_ok()
        };
        !rows.is_empty() && rows.iter().filter_map(|r| r.get(column)).all(number)
    };
    let class: Vec<&str> = (0..header.len()).map(|c| if numeric(c) { " class=\"n\"" } else { "" }).collect();
    let row = |out: &mut String, tag: &str, cells: &[String]| {
        *out += "<tr>";
        for (cell, class) in cells.iter().zip(&class) {
            let _ = write!(out, "<{tag}{class}>{}</{tag}>", escaped(cell));
        }
        *out += "</tr>";
    };
    *out += "<div class=\"wide\"><table>";
    row(out, "th", header);
    rows.iter().for_each(|cells| row(out, "td", cells));
    *out += "</table></div>";
}

/// A picture as a PNG file; `None` where its bytes do not fit its size.
fn png_bytes(picture: &RgbImage) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (width, height) = (picture.width, picture.height);
    if picture.data.len() as u64 != u64::from(width) * u64::from(height) * 3 || picture.data.is_empty() {
        return None;
    }
    let written = PngEncoder::new(&mut out).write_image(&picture.data, width, height, image::ExtendedColorType::Rgb8);
    written.is_ok().then_some(out)
}

/// Text in which nothing is taken for markup.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_as_rfc_4648_has_it() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in vectors {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xbf]), "+/+/");
    }

    #[test]
    fn a_page_holds_its_pictures_and_nothing_is_taken_for_markup() {
        let mut page = Page::new("<run> & \"co\"");
        page.push(Block::Warning("<script>alert(1)</script>".into()));
        page.push(Block::Table {
            header: vec!["layer".into(), "dead".into()],
            rows: vec![vec!["a".into(), "1,234".into()], vec!["b".into(), "7 %".into()]],
        });
        let picture = RgbImage::new(2, 1, vec![255, 0, 0, 0, 0, 255]).unwrap();
        page.push(Block::Picture { caption: "two pixels".into(), picture: picture.clone() });
        page.push(Block::Picture { caption: "broken".into(), picture: RgbImage { width: 9, ..picture } });
        let html = page.html();
        assert!(html.contains("<h1>&lt;run&gt; &amp; &quot;co&quot;</h1>") && !html.contains("<script"), "{html}");
        assert!(html.contains("<td class=\"n\">1,234</td>") && html.contains("<th>layer</th>"), "{html}");
        assert_eq!(html.matches("data:image/png;base64,iVBORw0KGgo").count(), 1);
        assert!(html.contains("broken: a picture of 9x1"), "{html}");
    }
}
