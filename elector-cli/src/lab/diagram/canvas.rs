use std::fmt::Write;

/// An SVG that is being drawn. Every class and id gets the prefix of the diagram.
#[derive(Debug)]
pub(super) struct Canvas {
    prefix: String,
    body: String,
    defs: String,
}

/// The part of a text that is placed at the given point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The beginning of the text.
    Start,
    /// The middle of the text.
    Middle,
    /// The end of the text.
    End,
}

impl Canvas {
    pub(super) fn new(prefix: &str) -> Self {
        let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let mut prefix: String = prefix.chars().filter(legal).collect();
        if !prefix.starts_with(|c: char| c.is_ascii_alphabetic()) {
            prefix.insert(0, 'd');
        }
        Self {
            prefix,
            body: String::new(),
            defs: String::new(),
        }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Draws a rectangle with the area `[x, y, width, height]`. Nothing is visible if the width or
    /// the height is zero.
    pub(super) fn rect(&mut self, class: &str, area: [f64; 4], title: &str) {
        let class = self.classes(class);
        let [x, y, width, height] = area.map(px);
        let shape = format!(r#"<rect {class} x="{x}" y="{y}" width="{width}" height="{height}""#);
        self.shape("rect", &shape, title);
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64), title: &str) {
        let d = format!("M{} {}L{} {}", px(from.0), px(from.1), px(to.0), px(to.1));
        self.path(class, &d, title);
    }

    pub(super) fn path(&mut self, class: &str, d: &str, title: &str) {
        let class = self.classes(class);
        self.shape("path", &format!(r#"<path {class} d="{d}""#), title);
    }

    pub(super) fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64, title: &str) {
        let class = self.classes(class);
        let [x, y, radius] = [x, y, radius].map(px);
        let shape = format!(r#"<circle {class} cx="{x}" cy="{y}" r="{radius}""#);
        self.shape("circle", &shape, title);
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let class = self.classes(class);
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let (x, y, text) = (px(x), px(y), escaped(text));
        self.body += &format!(r#"<text {class} x="{x}" y="{y}"{anchor}>{text}</text>"#);
        self.body.push('\n');
    }

    /// Calls `draw`, and clips everything that it draws to the clip path with this name.
    pub(super) fn clipped(&mut self, id: &str, draw: impl FnOnce(&mut Self)) {
        self.body += &format!("<g clip-path=\"url(#{}-{id})\">\n", self.prefix);
        draw(self);
        self.body += "</g>\n";
    }

    /// Defines a clip path with the name `id`. Its shape is the rectangle `[x, y, width, height]`.
    pub(super) fn clip(&mut self, id: &str, area: [f64; 4]) {
        let [x, y, width, height] = area.map(px);
        let id = format!("{}-{id}", self.prefix);
        self.defs += &format!(
            r#"<clipPath id="{id}"><rect x="{x}" y="{y}" width="{width}" height="{height}"/>"#
        );
        self.defs += "</clipPath>\n";
    }

    /// Defines an arrow head with the name `id` and a length of `size` pixels. The class with this
    /// name sets the colour of the arrow head.
    pub(super) fn head(&mut self, id: &str, size: f64) {
        let (prefix, size) = (&self.prefix, px(size));
        self.defs += &format!(r#"<marker id="{prefix}-{id}" class="{prefix}-{id}""#);
        self.defs += r#" viewBox="0 0 8 8" refX="7.6" refY="4" orient="auto""#;
        self.defs += &format!(r#" markerWidth="{size}" markerHeight="{size}""#);
        self.defs += r#" markerUnits="userSpaceOnUse"><path d="M0 .8L8 4L0 7.2L1.8 4z"/>"#;
        self.defs += "</marker>\n";
    }

    /// Defines a hatch, which is a pattern of slanted lines, with the name `id`. The class with
    /// this name sets the colour of the lines.
    pub(super) fn hatch(&mut self, id: &str, gap: f64, degrees: i32) {
        let (prefix, gap) = (&self.prefix, px(gap));
        self.defs += &format!(r#"<pattern id="{prefix}-{id}" class="{prefix}-{id}""#);
        self.defs += &format!(r#" width="{gap}" height="{gap}" patternUnits="userSpaceOnUse""#);
        self.defs += &format!(r#" patternTransform="rotate({degrees})"><path d="M0 0V{gap}"/>"#);
        self.defs += "</pattern>\n";
    }

    /// Returns the whole SVG file.
    pub(super) fn finish(self, title: &str, (width, height): (f64, f64), style: &str) -> String {
        let Self { prefix, body, defs } = self;
        let (width, height) = (px(width), px(height));
        let name = if title.is_empty() {
            "Space-time diagram"
        } else {
            title
        };
        let name = escaped(name);
        let mut svg = r#"<svg xmlns="http://www.w3.org/2000/svg""#.to_owned();
        svg += &format!(r#" class="{prefix}-svg" viewBox="0 0 {width} {height}""#);
        svg += &format!(r#" width="{width}" height="{height}" role="img" aria-label="{name}">"#);
        // Writing to a string cannot fail.
        let _ = write!(svg, "\n<style>\n{style}</style>\n<defs>\n{defs}</defs>\n");
        let _ = writeln!(
            svg,
            r#"<rect class="{prefix}-bg" width="{width}" height="{height}"/>"#
        );
        svg + &body + "</svg>\n"
    }

    fn shape(&mut self, tag: &str, shape: &str, title: &str) {
        self.body += shape;
        if title.is_empty() {
            self.body += "/>\n";
            return;
        }
        let title = escaped(title);
        self.body += &format!("><title>{title}</title></{tag}>\n");
    }

    fn classes(&self, classes: &str) -> String {
        let each = classes.split(' ');
        let each = each.map(|class| format!("{}-{class}", self.prefix));
        format!("class=\"{}\"", each.collect::<Vec<_>>().join(" "))
    }
}

/// Escapes a text for an element or an attribute. XML cannot represent most control characters, so
/// a replacement character takes their place.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Estimates the width in pixels of a text at this font size. The exact width depends on the fonts
/// of the reader's system.
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    let narrow = text
        .chars()
        .filter(|c| "ilj.,:;|!'() ".contains(*c))
        .count() as f64;
    (text.chars().count() as f64 * 0.6 - narrow * 0.25) * size
}

/// Formats a length in pixels with at most two decimals.
fn px(length: f64) -> String {
    let fixed = format!("{length:.2}");
    fixed.trim_end_matches('0').trim_end_matches('.').to_owned()
}
