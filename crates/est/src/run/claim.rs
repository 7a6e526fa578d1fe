//! One process to a video.
//!
//! Who makes a video holds the lock of a file, and a working folder of the same name in which its files grow. The lock is
//! the system's: it goes with the process, however that ends, so what a dead run left is known by its lock being free.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use est_nets::hash;

const PREFIX: &str = ".est-";
const LOCK: &str = ".lock";
const WORK: &str = ".part";

/// The sole right to make a video; given back when dropped.
pub struct Claim {
    lock: PathBuf,
    work: PathBuf,
    _file: File,
}

impl Claim {
    /// None while another process has it.
    pub fn take(folder: &Path, name: &str) -> io::Result<Option<Claim>> {
        Self::at(folder, &stem(name), false)
    }

    /// Waits for another process to be done with it.
    pub fn wait(folder: &Path, name: &str) -> io::Result<Claim> {
        Ok(Self::at(folder, &stem(name), true)?.expect("who waits gets it"))
    }

    fn at(folder: &Path, stem: &str, wait: bool) -> io::Result<Option<Claim>> {
        let lock = folder.join(format!("{stem}{LOCK}"));
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&lock)?;
            let locked = if wait { file.lock().map_err(TryLockError::Error) } else { file.try_lock() };
            match locked {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                // A file system without locks: as before there were any.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Its last holder removed the file after it was opened here: the lock of a file without a name is worth nothing.
            if !is_at(&file, &lock) {
                continue;
            }
            let work = folder.join(format!("{stem}{WORK}"));
            let claim = Claim { lock, work, _file: file };
            claim.clear()?;
            return Ok(Some(claim));
        }
    }

    /// A new empty folder for the files in work, on the same disk as their places.
    pub fn work_folder(&self) -> io::Result<&Path> {
        fs::create_dir_all(&self.work)?;
        Ok(&self.work)
    }

    /// Removes the files in work.
    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.work) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = self.clear();
        let _ = fs::remove_file(&self.lock);
    }
}

fn stem(name: &str) -> String {
    format!("{PREFIX}{}", &hash::of(name.as_bytes())[..16])
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    file.metadata().is_ok_and(|file| fs::metadata(path).is_ok_and(|at| same(file, at)))
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Removes what runs that are over left in `folder`: working folders, locks. Returns the number of videos that living
/// processes are at.
pub fn clear(folder: &Path) -> io::Result<usize> {
    let mut stems = std::collections::BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        let stem = name.strip_suffix(LOCK).or_else(|| name.strip_suffix(WORK));
        // Other commands' temporary files have shorter names.
        if let Some(stem) = stem.filter(|stem| stem.len() == PREFIX.len() + 16) {
            stems.insert(stem.to_string());
        }
    }
    let mut at_work = 0;
    for stem in stems {
        at_work += usize::from(Claim::at(folder, &stem, false)?.is_none());
    }
    Ok(at_work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_keeps_others_out_and_clears_what_the_dead_left() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let claim = Claim::take(folder, "a/x").unwrap().unwrap();
        fs::write(claim.work_folder().unwrap().join("half.csv"), "x").unwrap();
        assert!(Claim::take(folder, "a/x").unwrap().is_none(), "the lock is per open file");
        assert!(Claim::take(folder, "a/y").unwrap().is_some());
        assert_eq!(clear(folder).unwrap(), 1);
        assert!(claim.work.join("half.csv").exists(), "of a living one");
        drop(claim);
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);

        // A dead run: its files are there, nobody holds the lock.
        let work = folder.join(format!("{}{WORK}", stem("b")));
        fs::create_dir(&work).unwrap();
        fs::write(work.join("half.csv"), "x").unwrap();
        fs::write(folder.join(format!("{}{LOCK}", stem("b"))), "").unwrap();
        fs::write(folder.join("b.csv"), "x").unwrap();
        assert_eq!(clear(folder).unwrap(), 0);
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    }
}
