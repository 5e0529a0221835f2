use super::{Theme, kinds::Kinds, layout::Layout};

/// The colours of one theme.
struct Palette {
    ground: &'static str,
    ink: &'static str,
    soft: &'static str,
    lane: &'static str,
    lead: &'static str,
    on_lead: &'static str,
    candidate: &'static str,
    down: &'static str,
    bad: &'static str,
    bad_ground: &'static str,
    idle: &'static str,
    one: &'static str,
    cut: &'static str,
    cut_ground: &'static str,
    disk: &'static str,
    hint: &'static str,
    routine: &'static str,
    /// The colours of the kinds of messages: the colours of Okabe and Ito, which colour-blind
    /// readers can distinguish. Their brightness is adapted, so that they are legible on the
    /// background (`ground`) of the theme.
    kinds: [&'static str; 6],
}

const LIGHT: Palette = Palette {
    ground: "#ffffff",
    ink: "#1c2530",
    soft: "#5b6673",
    lane: "#aab3bd",
    lead: "#0a6b5e",
    on_lead: "#ffffff",
    candidate: "#e0a100",
    down: "#8b949e",
    bad: "#c4162a",
    bad_ground: "#f6c9ce",
    idle: "#e3e6ea",
    one: "#cfe9e3",
    cut: "#5a4fb0",
    cut_ground: "#dcd8f5",
    disk: "#7a5230",
    hint: "#b25c00",
    routine: "#77818c",
    kinds: [
        "#0063a8", "#cc4e00", "#9b2d86", "#2f8fcf", "#5d7a00", "#b8860b",
    ],
};

const DARK: Palette = Palette {
    ground: "#11161d",
    ink: "#e4e9ef",
    soft: "#98a3b0",
    lane: "#4a5563",
    lead: "#35c3a6",
    on_lead: "#06201b",
    candidate: "#f2c230",
    down: "#76808c",
    bad: "#ff6b78",
    bad_ground: "#5c1a23",
    idle: "#2a323c",
    one: "#14403a",
    cut: "#a79cff",
    cut_ground: "#312b5e",
    disk: "#d0a070",
    hint: "#ff9f43",
    routine: "#aab4c0",
    kinds: [
        "#58b0ff", "#ff8a4c", "#e58bd3", "#8fd3ff", "#b5d645", "#ffd24d",
    ],
};

/// Patterns of dashes for the kinds of messages, which readers can distinguish without colour. The
/// number of patterns and the number of colours are coprime, so that no two of the first thirty
/// kinds have both in common.
const DASHES: [&str; 5] = ["", "7 3", "2 2.5", "9 3 2 3", "4 2"];

/// Returns the style sheet (CSS) of a diagram. `prefix` is the beginning of all its classes.
pub(super) fn sheet(prefix: &str, theme: Theme, layout: &Layout, kinds: &Kinds<'_>) -> String {
    let colours = |palette: &Palette| colours(prefix, palette, kinds);
    let shapes = shapes(prefix, layout.pitch, kinds);
    match theme {
        Theme::Light => shapes + &colours(&LIGHT),
        Theme::Dark => shapes + &colours(&DARK),
        Theme::Auto => {
            let (light, dark) = (colours(&LIGHT), colours(&DARK));
            format!("{shapes}{light}@media (prefers-color-scheme:dark){{\n{dark}}}\n")
        }
    }
}

fn shapes(p: &str, pitch: f64, kinds: &Kinds<'_>) -> String {
    // If lanes are close to each other, the arrows between them are close, too, so the lines are
    // thinner.
    let [arrow, faint, lane] = [1.5, 1.0, 1.2].map(|width| width * (pitch / 40.0).clamp(0.5, 1.0));
    let mut css = format!(
        ".{p}-svg{{max-width:100%;height:auto;font-family:system-ui,-apple-system,'Segoe UI',\
         'Liberation Sans',Arial,sans-serif}}\n\
         .{p}-svg text{{font-size:11px;pointer-events:none}}\n\
         .{p}-svg text.{p}-title{{font-size:15px;font-weight:600}}\n\
         .{p}-svg text.{p}-name{{font-size:12px;font-weight:600}}\n\
         .{p}-svg text.{p}-epoch{{font-size:10px;paint-order:stroke;stroke-width:3px;\
         stroke-linejoin:round}}\n\
         .{p}-svg text.{p}-onbar{{font-size:9.5px;font-weight:600}}\n\
         .{p}-svg text.{p}-still,.{p}-svg text.{p}-flag{{paint-order:stroke;stroke-width:4px;\
         stroke-linejoin:round}}\n\
         .{p}-svg text.{p}-still{{font-size:10px}}\n\
         .{p}-svg text.{p}-skip{{font-size:10px;font-style:italic}}\n\
         .{p}-svg text.{p}-strip-t{{font-size:10px}}\n\
         .{p}-several-t{{font-weight:600}}\n\
         .{p}-a,.{p}-ka,.{p}-stem{{fill:none;stroke-width:{arrow:.2}}}\n\
         .{p}-a:hover{{stroke-width:3.5;opacity:1}}\n\
         .{p}-faint{{opacity:.45;stroke-width:{faint:.2}}}\n\
         .{p}-copy{{stroke-dasharray:1 3}}\n\
         .{p}-svg .{p}-lost{{marker-end:none}}\n\
         .{p}-x,.{p}-fault{{fill:none;stroke-width:2}}\n\
         .{p}-fault{{stroke-width:2.6}}\n\
         .{p}-lane{{stroke-width:{lane:.2};fill:none}}\n\
         .{p}-tick{{stroke-width:1.4}}\n\
         .{p}-cand,.{p}-down,.{p}-paused{{stroke-width:1}}\n.{p}-precand{{fill-opacity:.45}}\n\
         .{p}-paused{{stroke-dasharray:3 2}}\n\
         .{p}-cut{{stroke-width:1;stroke-dasharray:5 4;fill-opacity:.28}}\n\
         .{p}-split{{fill-opacity:.55}}\n.{p}-idle{{fill-opacity:.5}}\n\
         .{p}-hd path,.{p}-hp path{{stroke-width:1.6}}\n.{p}-hs path{{stroke-width:2}}\n\
         .{p}-down{{fill:url(#{p}-hd)}}\n.{p}-paused{{fill:url(#{p}-hp)}}\n\
         .{p}-pole{{stroke-width:1;stroke-dasharray:2 3}}\n\
         .{p}-axis,.{p}-seam{{fill:none;stroke-width:1}}\n.{p}-seam{{stroke-dasharray:1 3}}\n\
         .{p}-fold{{fill-opacity:.6}}\n"
    );
    for (number, kind) in kinds.numbered() {
        let dash = DASHES[number % DASHES.len()];
        let dash = match dash {
            _ if kind.is_routine => "stroke-dasharray:3 2;".to_owned(),
            "" => String::new(),
            dash => format!("stroke-dasharray:{dash};"),
        };
        css += &format!(".{p}-k{number}{{{dash}marker-end:url(#{p}-m{number})}}\n");
    }
    css
}

fn colours(p: &str, palette: &Palette, kinds: &Kinds<'_>) -> String {
    let Palette {
        ground,
        ink,
        soft,
        lane,
        lead,
        on_lead,
        candidate,
        down,
        bad,
        bad_ground,
        idle,
        one,
        cut,
        cut_ground,
        disk,
        hint,
        routine,
        ..
    } = palette;
    let mut css = format!(
        ".{p}-bg,.{p}-gap,.{p}-fold{{fill:{ground}}}\n\
         .{p}-svg text{{fill:{ink}}}\n\
         .{p}-svg text.{p}-small,.{p}-svg text.{p}-time,.{p}-svg text.{p}-skip{{fill:{soft}}}\n\
         .{p}-svg text.{p}-epoch,.{p}-svg text.{p}-flag,.{p}-svg text.{p}-still\
         {{stroke:{ground}}}\n\
         .{p}-svg text.{p}-epoch{{fill:{soft}}}\n\
         .{p}-svg text.{p}-onbar{{fill:{on_lead}}}\n\
         .{p}-lane{{stroke:{lane}}}\n.{p}-tick{{stroke:{soft}}}\n\
         .{p}-lead{{fill:{lead}}}\n.{p}-cand,.{p}-precand{{fill:{candidate}}}\n\
         .{p}-hd path,.{p}-hp path{{stroke:{down}}}\n\
         .{p}-down,.{p}-paused{{stroke:{down}}}\n\
         .{p}-x,.{p}-fault{{stroke:{bad}}}\n.{p}-hs path{{stroke:{bad}}}\n\
         .{p}-split,.{p}-several{{fill:{bad_ground}}}\n.{p}-several{{stroke:{bad}}}\n\
         .{p}-idle,.{p}-leaderless{{fill:{idle}}}\n.{p}-one{{fill:{one}}}\n\
         .{p}-cut,.{p}-cutstrip{{fill:{cut_ground};stroke:{cut}}}\n\
         .{p}-disk{{fill:{disk}}}\n.{p}-undone{{fill:{bad}}}\n\
         .{p}-boot,.{p}-command{{fill:{ink}}}\n.{p}-hint{{fill:{ground};stroke:{hint}}}\n\
         .{p}-pole,.{p}-axis,.{p}-seam{{stroke:{soft}}}\n.{p}-knob{{fill:{soft}}}\n\
         .{p}-stem{{stroke:{soft}}}\n"
    );
    for (number, kind) in kinds.numbered() {
        let colour = if kind.is_routine {
            routine
        } else {
            palette.kinds[number % palette.kinds.len()]
        };
        css += &format!(".{p}-k{number}{{stroke:{colour}}}\n.{p}-m{number}{{fill:{colour}}}\n");
    }
    css
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    // A reader who cannot distinguish the colours of two kinds needs different dashes. A reader who
    // cannot distinguish their dashes needs different colours.
    #[test]
    fn no_two_kinds_look_the_same() {
        for palette in [LIGHT, DARK] {
            let (colours, dashes) = (palette.kinds.len(), DASHES.len());
            let looks = (0..colours * dashes).map(|kind| {
                let colour = palette.kinds[kind % colours];
                (colour, DASHES[kind % dashes])
            });
            assert_eq!(looks.collect::<HashSet<_>>().len(), colours * dashes);
        }
    }
}
