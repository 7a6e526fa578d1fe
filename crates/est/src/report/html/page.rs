//! The page's text: one HTML file that needs nothing else and asks nobody.

use std::collections::BTreeMap;

use est_media::TrackId;
use quick_xml::escape::escape;
use serde_json::json;

use super::chart::{Span, chart, clock};
use super::series::{FaceSeries, Point};
use super::thumbnails::Thumbnail;
use crate::emotion::largest;
use crate::report::palette::{UNCERTAIN_COLOUR, colours};
use crate::report::record::RunRecord;
use crate::report::stretches::Stretch;
use crate::report::summary::Summary;
use crate::row::UNCERTAIN;

/// Lines of the table of one face's windows at most.
const MOST_LINES: usize = 150;

pub struct Page<'a> {
    pub record: &'a RunRecord,
    pub summary: &'a Summary,
    pub faces: &'a [FaceSeries],
    pub stretches: &'a [Stretch],
    pub thumbnails: &'a BTreeMap<TrackId, Vec<Thumbnail>>,
    pub span: Span,
}

impl Page<'_> {
    pub fn html(&self) -> String {
        let title = format!("{} - apparent expressions", escape(&*self.summary.video_id));
        let faces: Vec<String> = self.faces.iter().map(|face| self.face(face)).collect();
        let nothing = "<p class=\"empty\">No face was found in any frame of this video.</p>";
        let faces = if faces.is_empty() { nothing.to_string() } else { faces.concat() };
        // Nothing may be fetched: the page's own style and script, and pictures inside it, are all there is.
        format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{colours}{style}</style>
</head>
<body>
<main>
{head}{faces}{provenance}</main>
<script>
{script}</script>
</body>
</html>
"#,
            colours = self.colours(),
            style = include_str!("style.css"),
            head = self.head(),
            provenance = self.provenance(),
            script = include_str!("hover.js"),
        )
    }

    fn classes(&self) -> &[String] {
        &self.record.model.classes
    }

    /// The classes' colours as the style sheet's variables, and what takes them.
    fn colours(&self) -> String {
        let colours = colours(self.classes());
        let list = |pick: fn(&crate::report::palette::Colour) -> u32| {
            let each = colours.iter().enumerate().map(|(k, colour)| format!("--c{k}:#{:06x};", pick(colour)));
            format!("{}--uncertain:#{:06x};", each.collect::<String>(), pick(&UNCERTAIN_COLOUR))
        };
        let (light, dark) = (list(|colour| colour.on_light), list(|colour| colour.on_dark));
        let each = (0..colours.len())
            .map(|k| format!(".line{k}{{stroke:var(--c{k})}}.fill{k}{{fill:var(--c{k});background:var(--c{k})}}\n"));
        format!(
            ":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n{}",
            each.collect::<String>()
        )
    }

    fn head(&self) -> String {
        let Summary { video_id, frames_decoded, frames_container, tracks, rows, warnings, .. } = self.summary;
        let container = frames_container.map_or(String::new(), |frames| format!("of {frames} in the container"));
        let untrained = if self.record.model.trained { "" } else { UNTRAINED };
        let face_s: f64 = self.stretches.iter().map(|stretch| stretch.to_s - stretch.from_s).sum();
        let tile = |name: &str, value: &str, more: &str| {
            format!("<div class=\"tile\"><dt>{name}</dt><dd>{value}</dd><dd class=\"more\">{more}</dd></div>")
        };
        let statuses: Vec<String> = self
            .summary
            .rows_by_status
            .iter()
            .map(|(status, count)| format!("{} {:.0} %", status.replace('_', " "), percent(*count, *rows)))
            .collect();
        let (width, height) = (self.summary.width, self.summary.height);
        let tiles = [
            tile("Length", &clock(self.span.to_s - self.span.from_s, 1), &format!("{width} x {height}")),
            tile("Frames", &frames_decoded.to_string(), &container),
            tile("Faces", &tracks.len().to_string(), &format!("seen for {} in sum", clock(face_s, 1))),
            tile("Rows", &rows.to_string(), &statuses.join(", ")),
        ];
        let warnings: String = warnings.iter().map(|warning| format!("<li>{}</li>", escape(&**warning))).collect();
        let warnings = if warnings.is_empty() { warnings } else { format!("<ul class=\"warnings\">{warnings}</ul>\n") };
        let all: Vec<&Stretch> = self.stretches.iter().collect();
        let shares = if self.faces.len() > 1 {
            format!("<section class=\"card\"><h2>All faces</h2>{}</section>\n", self.bars(&all))
        } else {
            String::new()
        };
        format!(
            "<header>\n<p class=\"kind\">Apparent expressions in video</p>\n<h1>{}</h1>\n<p class=\"notice\">{}.</p>\n{untrained}</header>\n\
             <dl class=\"tiles\">{}</dl>\n{warnings}{shares}",
            escape(&**video_id),
            capitalised(RunRecord::NOTICE),
            tiles.concat()
        )
    }

    fn face(&self, face: &FaceSeries) -> String {
        let own: Vec<&Stretch> = self.stretches.iter().filter(|stretch| stretch.track == face.track).collect();
        let summary = self.summary.tracks.iter().find(|track| track.track_id == face.track);
        let quality = summary.map_or(String::new(), |track| format!(", mean quality {:.2}", track.mean_quality));
        let (from, to) = (clock(face.first_s, 1), clock(face.last_s, 1));
        let pictures: String = self.thumbnails.get(&face.track).into_iter().flatten().map(picture).collect();
        let pictures =
            if pictures.is_empty() { pictures } else { format!("<div class=\"pictures\">{pictures}</div>\n") };
        format!(
            "<section class=\"card\">\n<h2>Face {track} <small>{from} to {to}, {frames} frames{quality}</small></h2>\n\
             {pictures}<figure class=\"face\">{chart}<div class=\"tip\" hidden></div>\
             <script type=\"application/json\">{data}</script></figure>\n{legend}{bars}{windows}</section>\n",
            track = face.track,
            frames = face.frames,
            chart = chart(face, &own, self.classes(), self.span),
            data = self.data(face),
            legend = legend(face),
            bars = self.bars(&own),
            windows = self.windows(face),
        )
    }

    /// What the script shows where the pointer is.
    fn data(&self, face: &FaceSeries) -> String {
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        let all = |values: &[f64]| values.iter().copied().map(round).collect::<Vec<f64>>();
        let points = &face.points;
        let data = json!({
            "classes": self.classes(),
            "span": [self.span.from_s, self.span.to_s],
            "own": [face.first_s, face.last_s],
            "t": points.iter().map(|point| round(point.centre_s)).collect::<Vec<_>>(),
            "p": points.iter().map(|point| all(&point.probabilities)).collect::<Vec<_>>(),
            "q": points.iter().map(|point| round(point.quality)).collect::<Vec<_>>(),
        });
        // A class called `</script>` must not end it.
        data.to_string().replace('<', "\\u003c")
    }

    /// For how much of the time each label stands.
    fn bars(&self, stretches: &[&Stretch]) -> String {
        let classes = self.classes();
        let mut seconds = vec![0.0; classes.len() + 1];
        for stretch in stretches {
            seconds[stretch.label.unwrap_or(classes.len())] += stretch.to_s - stretch.from_s;
        }
        let total = seconds.iter().sum::<f64>().max(1e-9);
        let mut order: Vec<usize> = (0..seconds.len()).collect();
        order.sort_by(|&a, &b| seconds[b].total_cmp(&seconds[a]));
        let bar = |class: usize| {
            let uncertain = class == classes.len();
            if uncertain && seconds[class] == 0.0 {
                return String::new();
            }
            let (name, colour) = if uncertain {
                (UNCERTAIN, "uncertain".to_string())
            } else {
                (&*classes[class], format!("fill{class}"))
            };
            let share = 100.0 * seconds[class] / total;
            let never = if seconds[class] == 0.0 { " class=\"never\"" } else { "" };
            format!(
                "<tr{never}><th>{}</th><td class=\"bar\"><span class=\"{colour}\" style=\"width:{share:.1}%\"></span></td>\
                 <td class=\"n\">{share:.0} %</td><td class=\"n\">{}</td></tr>",
                escape(name),
                clock(seconds[class], 1)
            )
        };
        let rows: String = order.into_iter().map(bar).collect();
        format!("<h3>Share of the time by label</h3><table class=\"bars\">{rows}</table>\n")
    }

    fn windows(&self, face: &FaceSeries) -> String {
        let step = face.points.len().div_ceil(MOST_LINES).max(1);
        let attends = face.points.iter().any(|point| !point.attention.is_empty());
        let line = |point: &Point| {
            let mut order: Vec<usize> = (0..point.probabilities.len()).collect();
            order.sort_by(|&a, &b| point.probabilities[b].total_cmp(&point.probabilities[a]));
            let best: Vec<String> = order
                .iter()
                .take(3)
                .map(|&k| {
                    let (name, share) = (escape(&*self.classes()[k]), 100.0 * point.probabilities[k]);
                    format!("<td><i class=\"fill{k}\"></i>{name} <b>{share:.0} %</b></td>")
                })
                .collect();
            let most = if attends && !point.attention.is_empty() {
                let snippet = largest(&point.attention);
                format!("<td class=\"n\">{} ({:.0} %)</td>", snippet + 1, 100.0 * point.attention[snippet])
            } else {
                String::new()
            };
            format!(
                "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td>{}<td class=\"n\">{:.2}</td>{most}</tr>",
                clock(point.from_s, 1),
                clock(point.to_s, 1),
                best.concat(),
                point.quality
            )
        };
        let lines: String = face.points.iter().step_by(step).map(line).collect();
        let each = step * face.windows_per_point();
        let which = if each == 1 { "each window".to_string() } else { format!("one line for {each} windows") };
        let head = if attends { "<th>most attended snippet</th>" } else { "" };
        format!(
            "<details><summary>Windows <small>{which}</small></summary><div class=\"scroll\"><table class=\"windows\">\
             <thead><tr><th>from</th><th>to</th><th colspan=\"3\">most probable</th><th>quality</th>{head}</tr></thead>\
             <tbody>{lines}</tbody></table></div></details>\n"
        )
    }

    fn provenance(&self) -> String {
        let RunRecord { est_version, model, encoder_arithmetic, detector, hop, signal, .. } = self.record;
        let Summary { source, codec, rotation, pixel_aspect, stored_width, stored_height, .. } = self.summary;
        let stored = match *pixel_aspect {
            1.0 => String::new(),
            aspect => format!(", stored as {stored_width} x {stored_height}, pixels {aspect:.3} times as wide as high"),
        };
        let preprocessing = &model.preprocessing;
        let asked = |asked: Option<String>| asked.unwrap_or_else(|| "none".to_string());
        let window_s = preprocessing.sampling.window as f64 / preprocessing.rate;
        let hop_s = *hop as f64 / preprocessing.rate;
        let found = detector.as_ref().map(|detector| {
            format!(
                "{}, every {} frames at most, gaps up to {} s",
                detector.name, detector.detect_every, detector.max_gap_s
            )
        });
        let stretches: Vec<String> = signal
            .baseline
            .iter()
            .map(|baseline| {
                let which = baseline.track.map_or("every face".to_string(), |track| format!("face {track}"));
                format!("{which} from {} to {} s", baseline.from_s, baseline.to_s)
            })
            .collect();
        let rows = [
            ("Video", format!("{source} ({codec}, turned by {rotation} degrees{stored})")),
            ("Program", format!("est {est_version}, frame encoder in {encoder_arithmetic}")),
            ("Model", format!("{} ({})", model.id, model.provenance.source)),
            ("Weights", format!("SHA-256 {}", model.weights_sha256)),
            ("Windows", format!("{window_s:.1} s every {hop_s:.1} s, at {} frames per second", preprocessing.rate)),
            ("Faces", found.unwrap_or_else(|| "given as crops".to_string())),
            ("Temperature", model.temperature.to_string()),
            ("Smoothing", asked(signal.smooth_s.map(|deviation| format!("Gaussian, deviation {deviation} s")))),
            ("Baseline", asked((!stretches.is_empty()).then(|| stretches.join("; ")))),
            ("Abstention", asked(signal.abstain.map(|threshold| format!("below {threshold}")))),
        ];
        let rows: String =
            rows.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>", escape(&**value))).collect();
        let record = serde_json::to_string_pretty(&json!({ "run": self.record, "video": self.summary }));
        let record = record.expect("records are plain data");
        format!(
            "<section class=\"card\">\n<h2>How this was made</h2>\n<dl class=\"facts\">{rows}</dl>\n\
             <details><summary>Full record</summary><pre>{}</pre></details>\n</section>\n\
             <footer>{}. Each value is read from a window of video around its time. A number for a face is no identity: \
             after a cut or a longer absence the same person gets another.</footer>\n",
            escape(&*record),
            capitalised(RunRecord::NOTICE)
        )
    }
}

const UNTRAINED: &str = "<p class=\"warning\">The model is untrained: its probabilities mean nothing.</p>\n";

fn percent(part: u64, all: u64) -> f64 {
    100.0 * part as f64 / all.max(1) as f64
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn picture(thumbnail: &Thumbnail) -> String {
    let (url, time) = (&thumbnail.url, clock(thumbnail.pts_s, 1));
    format!(
        "<figure><img src=\"{url}\" width=\"72\" height=\"72\" alt=\"The face at {time}\"><figcaption>{time}</figcaption></figure>"
    )
}

/// What the grounds of the chart mean, of those that are there.
fn legend(face: &FaceSeries) -> String {
    use crate::row::Status;
    let has = |status| face.bands.iter().any(|band| band.status == status);
    let mut entries = vec![];
    if has(Status::NoFace) {
        entries.push("<span><i class=\"key missing\"></i>no face found</span>");
    }
    if has(Status::LowQuality) {
        entries.push("<span><i class=\"key low\"></i>low quality</span>");
    }
    if face.points.iter().any(|point| !point.attention.is_empty()) {
        entries.push("<span><i class=\"key at at9\"></i>the stronger, the more of the answer comes from that snippet of the window (1: its start)</span>");
    }
    if entries.is_empty() { String::new() } else { format!("<p class=\"legend\">{}</p>\n", entries.concat()) }
}
