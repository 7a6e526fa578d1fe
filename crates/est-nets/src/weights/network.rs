//! Finds a network among the tensors of a checkpoint, whatever stands before or inside their names: `module.` of
//! DataParallel, `_orig_mod.` of torch.compile, `model.` of Lightning, `ema.` beside it, `_fsdp_wrapped_module.` in the
//! middle. None of these is known here. The names that the network gives its tensors are, and what is in their way is
//! found by looking at where they stand.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::checkpoint::Checkpoint;
use super::error::{Mismatch, WeightsError, clip, first_of, shown};
use super::{FileKind, Listed, check, is_counter};
use crate::graph::Graph;
use crate::tensor::Tensor;

/// Places of one file that are looked at.
const MOST_PLACES: usize = 256;

/// The shapes of tensors by name.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// The parameters of the network that tensors of these shapes are, or in words why they are none.
type Fit<'a> = Box<dyn Fn(&Shapes) -> Result<Listed, String> + 'a>;

/// What somebody looks for in a checkpoint.
pub struct Wanted<'a> {
    /// For messages: "EST".
    what: &'a str,
    /// A tensor that every such network has once.
    anchor: String,
    /// Every name that a tensor of such a network can have.
    names: BTreeSet<String>,
    fit: Fit<'a>,
}

impl<'a> Wanted<'a> {
    /// A network of a kind whose members have the tensor `anchor` and else those of some of `kinds`.
    pub fn any(
        what: &'a str,
        anchor: &str,
        kinds: &[Graph],
        fit: impl Fn(&Shapes) -> Result<Listed, String> + 'a,
    ) -> Self {
        let names = kinds.iter().flat_map(Graph::parameters).map(|spec| spec.name).collect();
        Wanted { what, anchor: anchor.to_owned(), names, fit: Box::new(fit) }
    }

    /// This very network.
    ///
    /// # Panics
    /// When it has no tensors.
    pub fn network(what: &'a str, graph: &Graph) -> Self {
        let parameters: Vec<_> = graph.parameters().into_iter().map(|spec| (spec.name, spec.shape)).collect();
        let names = parameters.iter().map(|(name, _)| name.clone()).collect();
        Wanted { what, anchor: parameters[0].0.clone(), names, fit: Box::new(move |_| Ok(parameters.clone())) }
    }

    /// Takes tensors of these names too, where they are beside the network.
    pub fn and(mut self, more: impl IntoIterator<Item = String>) -> Self {
        self.names.extend(more);
        self
    }
}

/// A network that was found, with its tensors.
#[derive(Debug, Clone)]
pub struct Found {
    /// By the names that the network gives them.
    pub tensors: BTreeMap<String, Tensor>,
    pub kind: FileKind,
    /// Numbers and short texts that came with the checkpoint (`epoch`, `prec1`).
    pub scalars: BTreeMap<String, serde_json::Value>,
    pub origin: Origin,
}

/// Where in a checkpoint a network was.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Origin {
    pub files: Vec<PathBuf>,
    /// What stands before every name, with its dot.
    pub prefix: String,
    /// Words inside names that are the wrappers' and not the network's.
    pub wrappers: Vec<String>,
    /// The other tensors of the checkpoint.
    pub ignored: Vec<String>,
}

impl Origin {
    /// What was ignored, part by part, with the number of tensors of each; a part of one is called by the tensor's name.
    pub fn ignored_parts(&self) -> Vec<(String, usize)> {
        let prefix: Vec<&str> = words(self.prefix.trim_end_matches('.')).collect();
        let mut parts: BTreeMap<String, (&str, usize)> = BTreeMap::new();
        for name in &self.ignored {
            let shared = words(name).zip(&prefix).take_while(|(a, b)| a == *b).count();
            let all = words(name).count();
            let part: Vec<&str> = words(name).take(shared + 1).collect();
            let part = part.join(".") + if all > shared + 1 { "." } else { "" };
            parts.entry(part).or_insert((name, 0)).1 += 1;
        }
        let named = |(part, (name, count))| if count == 1 { (String::from(name), 1) } else { (part, count) };
        parts.into_iter().map(named).collect()
    }
}

/// Reads the network that is wanted from a checkpoint: a file, the index or a part of several files, or a folder of
/// them. `prefix` chooses among several: what stands before the names, with or without the last dot.
///
/// # Errors
/// When there is none, more than one, one that lacks tensors or has others; when a value is no number that a tensor may
/// have.
pub fn load(path: &Path, wanted: &Wanted, prefix: Option<&str>) -> Result<Found, WeightsError> {
    let checkpoint = Checkpoint::open(path)?;
    let Choice { prefix, mapping, expected, .. } = choose(checkpoint.shapes(), wanted, prefix, path)?;
    let names: BTreeMap<&str, &str> = mapping.iter().map(|(name, key)| (key.as_str(), name.as_str())).collect();
    let ignored = checkpoint.shapes().keys().filter(|key| !names.contains_key(key.as_str())).cloned().collect();
    let wrappers = wrappers(&prefix, &mapping);
    let files = checkpoint.files();
    let (kind, read) = (checkpoint.kind(), checkpoint.read(&|key| names.contains_key(key))?);
    let renamed = read.tensors.into_iter().map(|(key, tensor)| (names[key.as_str()].to_owned(), tensor));
    let tensors: BTreeMap<String, Tensor> = renamed.collect();
    let required = expected.iter().filter_map(|(name, _)| Some((name.clone(), tensors.get(name)?.clone())));
    check(&required.collect(), &expected, path)?;
    super::check_values(&tensors, path)?;
    Ok(Found { tensors, kind, scalars: read.scalars, origin: Origin { files, prefix, wrappers, ignored } })
}

/// One place of a checkpoint where a network may be.
struct Choice {
    prefix: String,
    /// By the network's name of a tensor, its key in the checkpoint.
    mapping: BTreeMap<String, String>,
    /// The tensors that the network must have.
    expected: Listed,
    mismatch: Mismatch,
}

/// The network that is meant.
fn choose(shapes: &Shapes, wanted: &Wanted, given: Option<&str>, path: &Path) -> Result<Choice, WeightsError> {
    let vocabulary = Vocabulary::of(&wanted.names);
    let prefixes = prefixes(shapes, wanted, &vocabulary);
    let chosen = match given.map(|given| given.trim_end_matches('.')) {
        None => prefixes.clone(),
        Some(given) => {
            let below = |prefix: &&String| prefix.starts_with(&format!("{given}."));
            let exact = prefixes.iter().filter(|prefix| prefix.trim_end_matches('.') == given).cloned();
            let exact: BTreeSet<String> = exact.collect();
            if exact.is_empty() { prefixes.iter().filter(below).cloned().collect() } else { exact }
        }
    };
    if chosen.is_empty() {
        return Err(WeightsError::NoNetwork {
            path: path.to_owned(),
            what: wanted.what.to_owned(),
            detail: lacking(shapes, wanted, &prefixes, given),
        });
    }
    // A hostile file has thousands of places where one might begin; a network is where most tensors are.
    let mut chosen: Vec<(usize, String)> =
        chosen.into_iter().map(|prefix| (below(shapes, &prefix).count(), prefix)).collect();
    if chosen.len() > MOST_PLACES {
        chosen.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        chosen.truncate(MOST_PLACES);
    }
    let mut whole = vec![];
    let mut partial: Vec<Choice> = vec![];
    let mut wrong = None;
    for (_, prefix) in chosen {
        match candidate(shapes, wanted, &vocabulary, prefix) {
            Ok(choice) if choice.mismatch.missing.is_empty() => whole.push(choice),
            Ok(choice) => partial.push(choice),
            Err(problem) => wrong = Some(problem),
        }
    }
    if whole.len() > 1 {
        let held = whole.iter().map(|choice| (choice.prefix.clone(), choice.mapping.len())).collect();
        return Err(WeightsError::Ambiguous { path: path.to_owned(), what: wanted.what.to_owned(), held });
    }
    if let Some(choice) = whole.pop() {
        return match choice.mismatch.is_empty() {
            true => Ok(choice),
            false => Err(misfit(choice, path)),
        };
    }
    // A network that lacks tensors is the one that is meant only where no other is whole.
    match (wrong, partial.into_iter().min_by_key(|choice| choice.mismatch.missing.len())) {
        (Some(problem), _) => Err(WeightsError::unsupported(path, problem)),
        (None, Some(choice)) => Err(misfit(choice, path)),
        (None, None) => unreachable!("some prefix was chosen"),
    }
}

fn misfit(choice: Choice, path: &Path) -> WeightsError {
    WeightsError::Mismatch { path: path.to_owned(), mismatch: Box::new(choice.mismatch) }
}

/// What stands before names of the anchor, with its dot or (`net_`) without one, where it is the network's and not another layer's of the same last words
/// (`layer1.0.conv1.weight` beside `conv1.weight`).
fn prefixes(shapes: &Shapes, wanted: &Wanted, vocabulary: &Vocabulary) -> BTreeSet<String> {
    let anchor = &wanted.anchor;
    let all: BTreeSet<String> = shapes.keys().filter_map(|key| vocabulary.prefix(key, anchor)).collect();
    let is_inside = |prefix: &str| {
        let starts = std::iter::once(0).chain(prefix.match_indices('.').map(|(dot, _)| dot + 1));
        starts.filter(|&start| start < prefix.len() && all.contains(&prefix[..start])).any(|start| {
            let name = format!("{}{anchor}", &prefix[start..]);
            vocabulary.begins(&name) && wanted.names.contains(&vocabulary.reduced(&name).unwrap_or(name))
        })
    };
    // `net_conv1.weight`: what ends in the middle of a word, which a network's own layers do as well; those are not whole.
    let glued =
        shapes.keys().filter(|key| Vocabulary::is_name(key)).filter_map(|key| key.strip_suffix(anchor.as_str()));
    let glued = glued.filter(|prefix| !prefix.is_empty() && !prefix.ends_with('.')).map(String::from);
    all.iter().filter(|prefix| !is_inside(prefix)).cloned().chain(glued).collect()
}

/// What is there instead of the network.
fn lacking(shapes: &Shapes, wanted: &Wanted, prefixes: &BTreeSet<String>, given: Option<&str>) -> String {
    if let Some(given) = given
        && !prefixes.is_empty()
    {
        let known: Vec<String> = prefixes.iter().map(|prefix| shown(prefix)).collect();
        return format!("no tensors of one under `{}`; they are under {}", clip(given), first_of(&known));
    }
    let is_flat =
        |key: &&String| words(key).last().is_some_and(|word| word.starts_with("_flat_param") || word == "flat_param");
    if shapes.keys().any(|key| is_flat(&key)) {
        return "FSDP's flattened parameters; save a full state dict (StateDictType.FULL_STATE_DICT)".to_owned();
    }
    let keys: Vec<String> = shapes.keys().cloned().collect();
    format!("`{}` is missing; it holds {} tensors: {}", wanted.anchor, keys.len(), first_of(&keys))
}

/// The network under `prefix`, or in words why none of the kind can be.
fn candidate(shapes: &Shapes, wanted: &Wanted, vocabulary: &Vocabulary, prefix: String) -> Result<Choice, String> {
    let mut mapping: BTreeMap<String, String> = BTreeMap::new();
    // Names that are there without a wrapper come first: what is wrapped beside them is something else.
    let mut wrapped = vec![];
    for key in below(shapes, &prefix) {
        let rest = &key[prefix.len()..];
        if !Vocabulary::is_name(key) || !vocabulary.begins(rest) {
            continue;
        }
        match vocabulary.reduced(rest) {
            None => drop(mapping.insert(rest.to_owned(), key.clone())),
            Some(name) => wrapped.push((name, rest, key)),
        }
    }
    let mut strange = vec![];
    for (name, rest, key) in wrapped {
        match mapping.get(&name) {
            None if wanted.names.contains(&name) => drop(mapping.insert(name, key.clone())),
            Some(other) if vocabulary.reduced(&other[prefix.len()..]).is_some() => {
                return Err(format!(
                    "`{}` and `{}` both are `{}`: a part of the network is wrapped by something with weights of its own \
                     (an adapter?); merge it into the network before you save",
                    clip(other),
                    clip(key),
                    clip(&name)
                ));
            }
            _ => strange.push((rest.to_owned(), key.clone())),
        }
    }
    mapping.extend(strange);
    let inside: Shapes = mapping.iter().map(|(name, key)| (name.clone(), shapes[key].clone())).collect();
    let expected = (wanted.fit)(&inside)?;
    let required: BTreeSet<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    let roots: BTreeSet<&str> = required.iter().filter_map(|name| words(name).next()).collect();
    let mut mismatch = Mismatch::default();
    mismatch.missing.extend(
        required.iter().filter(|name| !inside.contains_key(**name) && !is_counter(name)).map(|name| name.to_string()),
    );
    mapping.retain(|name, _| {
        let optional = wanted.names.contains(name) && !words(name).next().is_some_and(|root| roots.contains(root));
        let known = required.contains(name.as_str()) || is_counter(name) || optional;
        // What is in a module of the network and not of it shows that it is another network.
        if !known && words(name).next().is_some_and(|root| roots.contains(root)) {
            mismatch.surplus.push(name.clone());
        }
        known
    });
    Ok(Choice { prefix, mapping, expected, mismatch })
}

/// The keys that begin with `prefix`.
fn below<'a>(shapes: &'a Shapes, prefix: &str) -> impl Iterator<Item = &'a String> {
    let from = shapes.range::<str, _>((Bound::Included(prefix), Bound::Unbounded)).map(|(key, _)| key);
    from.take_while(move |key| key.starts_with(prefix))
}

/// The words that were left out of names.
fn wrappers(prefix: &str, mapping: &BTreeMap<String, String>) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    for (name, key) in mapping {
        let mut kept = words(name).peekable();
        for word in words(&key[prefix.len()..]) {
            if kept.next_if_eq(&word).is_none() && !found.iter().any(|known| known == word) {
                found.push(word.to_owned());
            }
        }
    }
    found
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split('.')
}

/// The words that names of a network are made of.
struct Vocabulary<'a> {
    words: BTreeSet<&'a str>,
    first: BTreeSet<&'a str>,
}

impl<'a> Vocabulary<'a> {
    fn of(names: &'a BTreeSet<String>) -> Self {
        Vocabulary {
            words: names.iter().flat_map(|name| words(name)).collect(),
            first: names.iter().filter_map(|name| words(name).next()).collect(),
        }
    }

    /// Whether what stands before a prefix's end could begin a name of the network.
    fn begins(&self, rest: &str) -> bool {
        words(rest).next().is_some_and(|word| self.first.contains(word))
    }

    /// `rest` without the words that no name of the network has, if there are any.
    fn reduced(&self, rest: &str) -> Option<String> {
        let known = |word: &&str| self.words.contains(word) || word.bytes().all(|byte| byte.is_ascii_digit());
        let left: Vec<&str> = words(rest).filter(known).collect();
        (left.len() < words(rest).count()).then(|| left.join("."))
    }

    /// Whether a key can be a tensor's of a network. A hostile one has millions of words.
    fn is_name(key: &str) -> bool {
        key.len() <= 512 && words(key).count() <= 64
    }

    /// What stands before `anchor` in a key that is the anchor's, with wrappers inside or without.
    fn prefix(&self, key: &str, anchor: &str) -> Option<String> {
        let last = words(anchor).last()?;
        if !Self::is_name(key) || words(key).last() != Some(last) {
            return None;
        }
        let mut starts = std::iter::once(0).chain(key.match_indices('.').map(|(dot, _)| dot + 1));
        // The last that fits: the shortest rest.
        let fits = |&start: &usize| {
            let rest = &key[start..];
            self.begins(rest) && (rest == anchor || self.reduced(rest).is_some_and(|rest| rest == anchor))
        };
        starts.rfind(fits).map(|start| key[..start].to_owned())
    }
}
