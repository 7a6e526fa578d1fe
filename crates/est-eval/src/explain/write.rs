//! Explanations as figures and a table.

use std::path::{Path, PathBuf};

use est::largest;
use est_data::set::PreparedSet;
use serde::Serialize;

use super::{AttentionSummary, Explained, ExplainedClip, Explanation, embed};
use crate::error::EvalError;
use crate::figures::{self, AttentionFigure, Curves, Panel, Series};
use crate::predictions::{Record, put};

/// What is drawn beside the summaries.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawOptions {
    /// Clips that get a figure of their own, by identifier.
    pub clips: Vec<String>,
    /// Without names: this many, class after class.
    pub count: usize,
    /// Of the t-SNE.
    pub seed: u64,
    /// Of the training, where its log is at hand.
    pub curves: Option<Curves>,
}

/// Writes into `folder`, which is made if it is not there; returns the files. `models` have explained the same clips of
/// `set`: one, or the same network trained with and without SSOP.
///
/// # Errors
/// A clip that is asked for and was not explained; no clip with a face; a folder that cannot be written to.
pub fn write(
    models: &[Explained],
    set: &PreparedSet,
    options: &DrawOptions,
    folder: &Path,
) -> Result<Vec<PathBuf>, EvalError> {
    let first = models.first().expect("a model");
    let summaries: Option<Vec<AttentionSummary>> = models.iter().map(Explained::attention).collect();
    let Some(summaries) = summaries else {
        let problem = "no clip has a face: there is nothing to explain".to_string();
        return Err(EvalError::Empty { set: first.record.set.name.clone(), problem });
    };
    let drawn = chosen(first, options)?;
    let clips_folder = folder.join("attention");
    std::fs::create_dir_all(&clips_folder).map_err(|error| EvalError::Write { path: clips_folder.clone(), error })?;
    let mut written = vec![];
    let mut add = |path: PathBuf, text: String| {
        put(&path, text.as_bytes())?;
        written.push(path);
        Ok::<_, EvalError>(())
    };

    let series = |values: &dyn Fn(usize) -> Vec<f64>| {
        let of_model = |(k, model): (usize, &Explained)| Series { name: model.name.clone(), values: values(k) };
        models.iter().enumerate().map(of_model).collect::<Vec<_>>()
    };
    let most = figures::most_attended(&series(&|k| summaries[k].most_attended.clone()));
    add(folder.join("most-attended.svg"), most)?;
    let cosines: Vec<Series> = series(&|k| {
        let of_clip = |(_, explanation): (_, &Explanation)| explanation.cosines.clone();
        models[k].looked_at().filter_map(of_clip).flatten().flatten().collect()
    });
    let cosines: Vec<Series> = cosines.into_iter().filter(|series| !series.values.is_empty()).collect();
    if !cosines.is_empty() {
        let title = "Weights of the frames before they are shared out (AA-SFE's second level)";
        let figure = figures::histogram(title, "cosine of a frame to its snippet's maximum", &cosines);
        add(folder.join("cosine-weights.svg"), figure)?;
    }
    let places: Vec<Vec<[f64; 2]>> = models.iter().map(|model| places(model, options.seed)).collect();
    let panels: Vec<Panel> = models
        .iter()
        .zip(&places)
        .map(|(model, points)| Panel {
            title: format!("t-SNE of T, {}", model.name),
            points: points.clone(),
            labels: model.looked_at().map(|(clip, _)| clip.prediction.label).collect(),
        })
        .collect();
    add(folder.join("t-sne.svg"), figures::scatter(&panels, &first.record.classes))?;
    for (k, model) in models.iter().enumerate() {
        let end = if k == 0 { String::new() } else { format!("-{}", k + 1) };
        for clip in &drawn {
            let clip = model.clips.iter().find(|other| other.prediction.clip == *clip);
            let Some(clip) = clip.filter(|clip| clip.explanation.is_some()) else { continue };
            let path = clips_folder.join(format!("{}{end}.svg", clip.prediction.clip));
            add(path, draw(model, clip, set)?)?;
        }
        add(folder.join(format!("explain{end}.csv")), table(model, &places[k]))?;
    }
    if let Some(curves) = &options.curves {
        add(folder.join("learning-curves.svg"), figures::learning_curves(curves))?;
    }
    let summary = |(model, attention)| ModelSummary::of(model, attention);
    let summary = Summary { t_sne_seed: options.seed, models: models.iter().zip(&summaries).map(summary).collect() };
    add(folder.join("explain.json"), serde_json::to_string_pretty(&summary).expect("plain data") + "\n")?;
    Ok(written)
}

/// `explain.json`.
#[derive(Serialize)]
struct Summary<'a> {
    t_sne_seed: u64,
    models: Vec<ModelSummary<'a>>,
}

#[derive(Serialize)]
struct ModelSummary<'a> {
    name: &'a str,
    attention: &'a AttentionSummary,
    record: &'a Record,
}

impl<'a> ModelSummary<'a> {
    fn of(model: &'a Explained, attention: &'a AttentionSummary) -> Self {
        ModelSummary { name: &model.name, attention, record: &model.record }
    }
}

/// Identifiers of the clips that get a figure of their own.
fn chosen(explained: &Explained, options: &DrawOptions) -> Result<Vec<String>, EvalError> {
    for id in &options.clips {
        let clip = explained.clips.iter().find(|clip| clip.prediction.clip == *id);
        let problem = match clip {
            None => "is not among the clips that are explained",
            Some(clip) if clip.explanation.is_none() => "has no face",
            Some(_) => continue,
        };
        return Err(EvalError::Different(format!("clip {id} {problem}; choose another --clip")));
    }
    if !options.clips.is_empty() {
        return Ok(options.clips.clone());
    }
    let classes = explained.record.classes.len();
    let mut by_class: Vec<Vec<String>> = vec![vec![]; classes];
    for (clip, _) in explained.looked_at() {
        by_class[clip.prediction.label].push(clip.prediction.clip.clone());
    }
    let most = by_class.iter().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..most).flat_map(|k| by_class.iter().filter_map(move |clips| clips.get(k).cloned()));
    Ok(in_turn.take(options.count).collect())
}

/// The T vectors in the plane, one a clip with a face.
fn places(explained: &Explained, seed: u64) -> Vec<[f64; 2]> {
    let vectors: Vec<Vec<f32>> = explained.looked_at().map(|(_, explanation)| explanation.emotion.clone()).collect();
    embed(&vectors, seed)
}

fn draw(model: &Explained, clip: &ExplainedClip, set: &PreparedSet) -> Result<String, EvalError> {
    let (frames, explanation) = clip.frames.as_ref().zip(clip.explanation.as_ref()).expect("a clip with a face");
    let id = &clip.prediction.clip;
    let row = set.clips().iter().find(|row| row.clip == *id).expect("a clip of the set");
    let [snippets, _] = model.record.model.config.layout();
    let each = frames.len() / snippets;
    let times = set.times(row);
    let jpegs = frames.chunks(each).map(|frames| frames.iter().map(|&frame| set.jpeg(row, frame)).collect());
    let classes = &model.record.classes;
    let said = clip.prediction.predicted().map_or("nothing", |class| classes[class].as_str());
    let figure = AttentionFigure {
        title: format!("{id}: {}, {} says {said}", classes[clip.prediction.label], model.name),
        attention: &explanation.over_snippets(),
        frames: jpegs.collect::<Result<_, _>>()?,
        weights: explanation.frame_weights(),
        times: frames.chunks(each).map(|frames| times[frames[0] as usize]).collect(),
    };
    Ok(figures::attention(&figure))
}

/// One row a clip: what was said, the last decoder layer's weights over the snippets, the plane of the t-SNE, each
/// frame's cosine.
fn table(explained: &Explained, places: &[[f64; 2]]) -> String {
    let [snippets, frames] = explained.record.model.config.layout();
    let cosines = explained.looked_at().any(|(_, explanation)| explanation.cosines.is_some());
    let numbered = |name: &str, count: usize| (1..=count).map(|k| format!("{name}_{k}")).collect::<Vec<_>>();
    let mut header: Vec<String> = ["clip", "subject", "label", "predicted", "most_attended"].map(String::from).to_vec();
    header.extend(numbered("attention", snippets));
    header.extend(["tsne_x", "tsne_y"].map(String::from));
    if cosines {
        let of_snippet = |snippet: String| numbered(&snippet, frames);
        header.extend(numbered("cosine", snippets).into_iter().flat_map(of_snippet));
    }
    let mut table = csv::Writer::from_writer(vec![]);
    table.write_record(&header).expect("a Vec takes all");
    let mut places = places.iter();
    for clip in &explained.clips {
        let class = |class: usize| explained.record.classes[class].clone();
        let prediction = &clip.prediction;
        let mut cells = vec![
            prediction.clip.clone(),
            prediction.subject.clone().unwrap_or_default(),
            class(prediction.label),
            prediction.predicted().map_or(String::new(), class),
        ];
        if let Some(explanation) = &clip.explanation {
            let attention = explanation.over_snippets();
            cells.push((largest(&attention) + 1).to_string());
            cells.extend(attention.iter().map(|weight| format!("{weight:.6}")));
            let place = places.next().expect("a place for each clip with a face");
            cells.extend(place.iter().map(|place| format!("{place:.4}")));
            let cosines = explanation.cosines.iter().flatten().flatten();
            cells.extend(cosines.map(|cosine| format!("{cosine:.6}")));
        }
        cells.resize(header.len(), String::new());
        table.write_record(&cells).expect("a Vec takes all");
    }
    String::from_utf8(table.into_inner().expect("a Vec takes all")).expect("text")
}
