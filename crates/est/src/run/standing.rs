//! What a folder of results has of a video, and so whether there is something to do.

use super::folder::OutputFolder;
use crate::source::Input;

/// Why a video is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    New,
    /// It failed the last time.
    Failed,
    VideoChanged,
    /// Another model, other options, other formats, another version of est.
    SettingsChanged,
    FilesMissing,
    /// Asked for.
    Again,
}

impl Why {
    pub fn name(self) -> &'static str {
        match self {
            Why::New => "new",
            Why::Failed => "failed before",
            Why::VideoChanged => "video changed",
            Why::SettingsChanged => "settings changed",
            Why::FilesMissing => "files missing",
            Why::Again => "again",
        }
    }
}

/// A video beside what the folder has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    UpToDate,
    ToDo(Why),
    /// Another video, named here, has results of this name.
    Taken(String),
}

impl Standing {
    pub fn name(&self) -> &'static str {
        match self {
            Standing::UpToDate => "up to date",
            Standing::ToDo(why) => why.name(),
            Standing::Taken(_) => "name taken",
        }
    }
}

impl OutputFolder {
    /// How `input` stands under these settings ([`config_sha256`](super::config_sha256)); with `again` as if nothing was
    /// done.
    pub fn standing(&mut self, input: &Input, config_sha256: &str, again: bool) -> Standing {
        if !self.entries().contains_key(&input.name) {
            return Standing::ToDo(Why::New);
        }
        if again {
            return Standing::ToDo(Why::Again);
        }
        let content = self.content(input);
        let entry = &self.entries()[&input.name];
        let same_content = content.is_some() && content == entry.content_sha256;
        if entry.failure.is_some() {
            return Standing::ToDo(Why::Failed);
        }
        if !same_content && entry.source != input.absolute() {
            return Standing::Taken(entry.source.clone());
        }
        Standing::ToDo(match () {
            () if !same_content => Why::VideoChanged,
            () if entry.config_sha256 != config_sha256 => Why::SettingsChanged,
            () if !self.has_files(entry) => Why::FilesMissing,
            () => return Standing::UpToDate,
        })
    }
}
