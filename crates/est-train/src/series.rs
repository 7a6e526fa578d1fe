//! Several runs: one for each round of a split (`est crossval`), and one for each row of the paper's tables and sweeps
//! (`est ablate`). Each run has a folder of its own and goes on by itself after a kill; scoring is not done here.

use std::path::{Path, PathBuf};

use est_data::set::PreparedSet;
use est_nets::{Backbone, SnippetFeatures};

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::fit::{Event, Outcome, fit};
use crate::parts::rounds;

/// A run of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Of the round, or of the table's row and the seed; its folder's name.
    pub name: String,
    pub config: TrainConfig,
}

/// One run for each round of the set in `data`.
///
/// # Errors
/// When the set cannot be read or has no split.
pub fn crossval(config: &TrainConfig, data: &Path) -> Result<Vec<Member>, TrainError> {
    let rounds = rounds(&PreparedSet::open(data)?)?;
    if rounds.is_empty() {
        return Err(TrainError::input(data, "has no split to go through; prepare it with --folds"));
    }
    let member = |name: String| Member { config: TrainConfig { round: Some(name.clone()), ..config.clone() }, name };
    Ok(rounds.into_iter().map(member).collect())
}

/// What is varied: a table of the paper, or a sweep of its supplement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ablation {
    /// Transformer; + AA-SFE; + SSOP.
    Table5,
    /// Without attention; self-attention alone; SE-like; hierarchical.
    Table6,
    /// J, frames of a snippet (supplement, Fig. 2a).
    Frames,
    /// n, snippets of a clip (supplement, Fig. 2b).
    Snippets,
    /// P, orders of the SSOP head.
    Orders,
    Backbones,
}

impl Ablation {
    pub const ALL: [Ablation; 6] = [
        Ablation::Table5,
        Ablation::Table6,
        Ablation::Frames,
        Ablation::Snippets,
        Ablation::Orders,
        Ablation::Backbones,
    ];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Ablation::Table5 => "table5",
            Ablation::Table6 => "table6",
            Ablation::Frames => "frames",
            Ablation::Snippets => "snippets",
            Ablation::Orders => "orders",
            Ablation::Backbones => "backbones",
        }
    }

    /// The rows with their changes of `base`, in the paper's order. The sweeps' steps are ours: the figures' axes are not
    /// told in the text.
    pub fn rows(self, base: &TrainConfig) -> Vec<Member> {
        let row = |name: String, change: &dyn Fn(&mut TrainConfig)| {
            let mut config = base.clone();
            change(&mut config);
            Member { name, config }
        };
        let kind = |name: &str, kind: SnippetFeatures, orders: usize| {
            row(name.to_string(), &|config| {
                config.network.snippet_features = kind;
                config.network.orders = orders;
            })
        };
        let orders = base.network.orders;
        use SnippetFeatures::{Hierarchical, Mean, SelfAttention, SqueezeExcite};
        match self {
            Ablation::Table5 => vec![
                kind("transformer", Mean, 0),
                kind("transformer+aasfe", Hierarchical, 0),
                kind("transformer+aasfe+ssop", Hierarchical, orders),
            ],
            Ablation::Table6 => vec![
                kind("without-attention", Mean, orders),
                kind("self-attention", SelfAttention, orders),
                kind("squeeze-excite", SqueezeExcite, orders),
                kind("hierarchical", Hierarchical, orders),
            ],
            Ablation::Frames => [1, 3, 5, 7, 9]
                .map(|frames| row(format!("frames-{frames}"), &|config| config.network.frames = frames))
                .to_vec(),
            // More than nine sub-videos of 15 frames, 10 apart, leave no room for a drawn start in a window of 105.
            Ablation::Snippets => [3, 5, 7, 9]
                .map(|snippets| row(format!("snippets-{snippets}"), &|config| config.network.snippets = snippets))
                .to_vec(),
            Ablation::Orders => [5, 10, 20, 50]
                .map(|orders| row(format!("orders-{orders}"), &|config| config.network.orders = orders))
                .to_vec(),
            Ablation::Backbones => {
                [("resnet18", Backbone::ResNet18), ("resnet34", Backbone::ResNet34), ("resnet50", Backbone::ResNet50)]
                    .map(|(name, backbone)| row(name.to_string(), &|config| config.network.backbone = backbone))
                    .to_vec()
            }
        }
    }

    /// The rows, each with every seed.
    pub fn members(self, base: &TrainConfig, seeds: &[u64]) -> Vec<Member> {
        let rows = self.rows(base).into_iter();
        let seeded = |row: Member| {
            seeds.iter().map(move |&seed| Member {
                name: format!("{}/seed-{seed}", row.name),
                config: TrainConfig { seed, ..row.config.clone() },
            })
        };
        rows.flat_map(seeded).collect()
    }
}

/// Runs `members` one after the other in folders below `out`; those that are there go on from their checkpoints, and those
/// that are done are not run again.
///
/// # Errors
/// Of the first run that fails; those before it are kept.
pub fn run(
    members: &[Member],
    data: &Path,
    out: &Path,
    tell: &mut dyn FnMut(&Member, Event),
) -> Result<Vec<(Member, Outcome)>, TrainError> {
    let one = |member: &Member| {
        let folder: PathBuf = out.join(&member.name);
        let outcome = fit(&member.config, data, &folder, true, &mut |event| tell(member, event))?;
        Ok((member.clone(), outcome))
    };
    members.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_tables() {
        let parameters = |members: &[Member]| -> Vec<usize> {
            members.iter().map(|member| member.config.network.graph().parameter_count("")).collect()
        };
        // SPEC section 2: 33,322,695 (the paper counts an unused part), 34,374,343, 42,775,761.
        let rows = Ablation::Table5.rows(&TrainConfig::PAPER);
        assert_eq!(parameters(&rows), [33_322_695, 34_374_343, 42_775_761]);
        assert_eq!(Ablation::Table6.rows(&TrainConfig::PAPER).len(), 4);
        for ablation in Ablation::ALL {
            let members = ablation.members(&TrainConfig::PAPER, &[1, 2, 3]);
            assert_eq!(members.len(), 3 * ablation.rows(&TrainConfig::PAPER).len());
            for (k, member) in members.iter().enumerate() {
                assert_eq!(member.config.problem(), None, "{}", member.name);
                assert!(members[..k].iter().all(|other| other.name != member.name), "{}", member.name);
            }
        }
    }
}
