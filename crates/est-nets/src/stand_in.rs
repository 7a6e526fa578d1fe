//! Small text files that stand where a large one belongs: version control keeps the large one elsewhere.

use std::fmt;
use std::fs;
use std::path::Path;

/// What stands in a file's place. A reader that expects anything else than text looks for one first: FFmpeg, for one, says
/// no more of it than "invalid data".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandIn {
    /// A pointer file of git-lfs; `bytes` is the size of what it stands for.
    GitLfs { bytes: Option<u64> },
    /// A pointer file of git-annex, or one of its links to content that is not here.
    GitAnnex,
}

/// The first line of a pointer, up to the version; the later two are what git-lfs was called before its first release
/// (its docs/spec.md), and it still reads them.
const LFS_VERSIONS: [&str; 3] = [
    "version https://git-lfs.github.com/spec/",
    "version https://hawser.github.com/spec/",
    "version http://git-media.io/v/",
];
/// git-lfs takes nothing larger for a pointer.
const LFS_LIMIT: usize = 1024;
/// The same of git-annex.
const ANNEX_LIMIT: usize = 32 * 1024;
const ANNEX: &str = "/annex/objects/";

impl StandIn {
    /// What stands at `path`, where that is a stand-in. Costs a look at the file's size where it is not.
    pub fn at(path: &Path) -> Option<Self> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() && metadata.len() <= ANNEX_LIMIT as u64 => {
                Self::of(&fs::read(path).ok()?)
            }
            Ok(_) => None,
            // A link into the annex, whose content is not here.
            Err(_) => is_annexed(&fs::read_link(path).ok()?.to_string_lossy()).then_some(StandIn::GitAnnex),
        }
    }

    /// What a whole file is, where that is a stand-in.
    pub fn of(file: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(file.get(..ANNEX_LIMIT).unwrap_or(file)).ok()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if file.len() <= LFS_LIMIT && LFS_VERSIONS.iter().any(|version| text.starts_with(version)) {
            let bytes = text.lines().find_map(|line| line.strip_prefix("size ")?.trim().parse().ok());
            return Some(StandIn::GitLfs { bytes });
        }
        // Where a file system has no links, git writes a link's target into a file.
        (file.len() <= ANNEX_LIMIT && is_annexed(text.lines().next()?)).then_some(StandIn::GitAnnex)
    }

    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            StandIn::GitLfs { .. } => "fetch what it stands for: git lfs pull, in the folder of the repository",
            StandIn::GitAnnex => {
                "fetch what it stands for: git annex get (or datalad get), in the folder of the repository"
            }
        }
    }
}

/// Whether the one line is an unlocked file's pointer (`/annex/objects/KEY`) or a link's target
/// (`../.git/annex/objects/xx/yy/KEY/KEY`).
fn is_annexed(line: &str) -> bool {
    let line = line.replace('\\', "/");
    let before = line.find(ANNEX).map(|at| &line[..at]);
    before.is_some_and(|before| before.is_empty() || before == ".git" || before.ends_with("/.git"))
}

impl fmt::Display for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StandIn::GitLfs { bytes: Some(bytes) } => write!(f, "a git-lfs pointer to a file of {bytes} bytes"),
            StandIn::GitLfs { bytes: None } => f.write_str("a git-lfs pointer"),
            StandIn::GitAnnex => f.write_str("a git-annex pointer without its content"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LFS: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";

    #[test]
    fn pointers_are_told_from_files() {
        let lfs = |bytes| Some(StandIn::GitLfs { bytes });
        let long = format!("{LFS}{}", "x".repeat(LFS_LIMIT));
        let cases: [(&str, Option<StandIn>); 14] = [
            (LFS, lfs(Some(12345))),
            (&LFS.replace('\n', "\r\n"), lfs(Some(12345))),
            (&format!("\u{feff}{LFS}"), lfs(Some(12345))),
            (&LFS.replace("git-lfs", "hawser"), lfs(Some(12345))),
            ("version http://git-media.io/v/2\noid sha256:4d7a\n", lfs(None)),
            // Extensions come between; the keys are in the order of the alphabet.
            (&LFS.replace("oid", "ext-0-foo sha256:1\noid"), lfs(Some(12345))),
            (&long, None),
            ("version https://git-lfs.github.com.example.org/", None),
            ("video,label\nversion https://git-lfs.github.com/spec/v1,happy\n", None),
            ("/annex/objects/SHA256E-s5--4d7a.mp4\n", Some(StandIn::GitAnnex)),
            ("../../.git/annex/objects/Kj/0x/SHA256E-s5--4d7a.mp4/SHA256E-s5--4d7a.mp4", Some(StandIn::GitAnnex)),
            ("..\\.git\\annex\\objects\\a\\b", Some(StandIn::GitAnnex)),
            ("see docs/annex/objects/ for more", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(StandIn::of(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(StandIn::of(b"\0\0\0\x20ftypisom"), None);
    }

    #[cfg(unix)]
    #[test]
    fn links_count_only_without_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let objects = folder.path().join(".git/annex/objects");
        fs::create_dir_all(&objects).unwrap();
        let link = |name: &str, to: &str| {
            let path = folder.path().join(name);
            std::os::unix::fs::symlink(to, &path).unwrap();
            StandIn::at(&path)
        };
        fs::write(objects.join("here"), [0; 9]).unwrap();
        assert_eq!(link("a.mp4", ".git/annex/objects/here"), None);
        assert_eq!(link("b.mp4", ".git/annex/objects/gone"), Some(StandIn::GitAnnex));
        assert_eq!(link("c.mp4", "nowhere.mp4"), None);
        assert_eq!(StandIn::at(&folder.path().join("no such file")), None);
        assert_eq!(StandIn::at(folder.path()), None);
    }
}
