//! Makes a prepared set, clip by clip on all cores, so that nothing finished is lost and nothing depends on the order in
//! which clips are finished.
//!
//! While it runs, `.work/` holds `plan.json` (what is being made), `parts/` (clips that are done) and `NNNNNN.json` (what
//! is in a shard that is done). A clip is done when its part is there, a shard when its file is; started again, only
//! what is missing is made.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use est_nets::{hash, whole_file};
use serde_json::Value;

use super::index::{self, FramePlace};
use super::part::{self, Frames, MadeClip, PartHeader, Scratch};
use super::reader::{PreparedSet, SetRecord};
use super::row::{ClipRow, ClipStatus, StatusCounts};
use super::{INDEX, MANIFEST, RECORD, SHARDS, SPLITS, shard_name};
use crate::error::DataError;
use crate::protocol::Split;

/// Bytes of the two zero blocks that end an archive.
const ARCHIVE_END: usize = 1024;

/// What is to be made.
pub struct SetPlan {
    /// As on the command line: `dfew`, `synth`.
    pub name: String,
    pub classes: Vec<String>,
    /// Every setting that the bytes of the set depend on.
    pub settings: Value,
    /// What is known of each clip beforehand, in the order of the manifest.
    pub clips: Vec<ClipRow>,
    /// Who is trained on and who is tested on.
    pub split: Option<Split>,
    /// Clips in a shard.
    pub shard_clips: usize,
}

/// Makes clips, one after the other; each worker has its own.
pub trait ClipMaker {
    /// Clip `number` of the plan.
    ///
    /// # Errors
    /// Only what must end the whole run. A clip that cannot be read is a clip of status unreadable.
    fn make(&mut self, number: usize, scratch: &Scratch) -> Result<MadeClip, DataError>;
}

/// How far it is. `resumed` of the `done` clips were done before this run.
#[derive(Debug, Clone, Copy)]
pub struct BuildProgress {
    pub done: usize,
    pub resumed: usize,
    pub total: usize,
    /// Crops made in this run.
    pub frames: u64,
}

/// Makes the set in `out`, with `threads` workers (0: one a core); `new_maker` is called once in each.
///
/// # Errors
/// When `out` holds another set or another run is at work in it, when it cannot be written, and what a maker returns.
/// What is done by then stays and is not made again. When no clip could be made: then nothing stays.
pub fn build<M: ClipMaker>(
    plan: &SetPlan,
    out: &Path,
    threads: usize,
    new_maker: impl Fn() -> Result<M, DataError> + Sync,
    progress: impl Fn(BuildProgress) + Sync,
) -> Result<PreparedSet, DataError> {
    let folder = Folder::new(out);
    let mut record = plan.record();
    if out.join(RECORD).exists() {
        let set = PreparedSet::open(out)?;
        if !set.record().same_plan(&record) {
            return Err(DataError::set(out, "holds another set; choose another --out"));
        }
        // Killed between the last file and the removal of the first ones.
        let _ = fs::remove_dir_all(&folder.work);
        return Ok(set);
    }
    let _lock = folder.begin(&record)?;
    if let Some(split) = &plan.split {
        split.write(&folder.split(split))?;
    }

    let run = Run::new(plan, &folder, &progress)?;
    run.all(threads, new_maker)?;

    let (rows, places) = folder.collect(plan)?;
    if !rows.iter().any(|row| row.status == ClipStatus::Ok) {
        folder.remove(plan);
        return Err(DataError::set(out, nothing(&rows)));
    }
    let index = out.join(INDEX);
    index::write(&index, &places).map_err(DataError::write(&index))?;
    let manifest = out.join(MANIFEST);
    write_manifest(&manifest, &rows)?;
    record.manifest_sha256 = hash::of_file(&manifest).map_err(DataError::read(&manifest))?;
    record.index_sha256 = hash::of_file(&index).map_err(DataError::read(&index))?;
    record.counts = counts(&rows);
    write_json(&out.join(RECORD), &record)?;
    let _ = fs::remove_dir_all(&folder.work);
    PreparedSet::open(out)
}

fn counts(rows: &[ClipRow]) -> StatusCounts {
    let mut counts = StatusCounts::new();
    for row in rows {
        *counts.entry(row.status).or_default() += 1;
    }
    counts
}

/// What is wrong where no clip is `ok`.
fn nothing(rows: &[ClipRow]) -> String {
    let each = counts(rows).into_iter().map(|(status, count)| format!("{count} {}", status.name()));
    let each = each.collect::<Vec<_>>().join(", ");
    let first = rows.iter().find(|row| row.status == ClipStatus::Unreadable).or(rows.first());
    let first = first.map_or(String::new(), |row| {
        let what = row.note.clone().unwrap_or_else(|| format!("{} is {}", row.source, row.status.name()));
        format!("; the first: {what}")
    });
    format!("is not made, since none of the {} clips has crops ({each}){first}", rows.len())
}

impl SetPlan {
    fn record(&self) -> SetRecord {
        let clips = serde_json::to_vec(&self.clips).expect("rows are plain data");
        SetRecord {
            est_version: env!("CARGO_PKG_VERSION").to_string(),
            name: self.name.clone(),
            classes: self.classes.clone(),
            settings: self.settings.clone(),
            clips: self.clips.len(),
            shard_clips: self.shard_clips,
            plan_sha256: hash::of(&clips),
            splits: self.split.iter().map(|split| (split.kind.name(), split.hash())).collect(),
            counts: StatusCounts::new(),
            manifest_sha256: String::new(),
            index_sha256: String::new(),
        }
    }

    fn shards(&self) -> usize {
        self.clips.len().div_ceil(self.shard_clips)
    }

    fn clips_of(&self, shard: usize) -> std::ops::Range<usize> {
        shard * self.shard_clips..((shard + 1) * self.shard_clips).min(self.clips.len())
    }
}

/// The places of a set that is being made.
struct Folder {
    out: PathBuf,
    work: PathBuf,
    parts: PathBuf,
}

impl Folder {
    fn new(out: &Path) -> Self {
        let work = out.join(".work");
        Folder { out: out.to_owned(), parts: work.join("parts"), work }
    }

    fn part(&self, clip: &ClipRow) -> PathBuf {
        self.parts.join(&clip.clip)
    }

    fn shard(&self, shard: usize) -> PathBuf {
        self.out.join(SHARDS).join(shard_name(shard))
    }

    fn split(&self, split: &Split) -> PathBuf {
        self.out.join(SPLITS).join(format!("{}.csv", split.kind.name()))
    }

    fn shard_rows(&self, shard: usize) -> PathBuf {
        self.work.join(format!("{shard:06}.json"))
    }

    /// Makes the folders, or finds them as an earlier run left them. The file that comes back keeps others out.
    fn begin(&self, record: &SetRecord) -> Result<File, DataError> {
        for folder in [&self.parts, &self.out.join(SHARDS), &self.out.join(SPLITS)] {
            fs::create_dir_all(folder).map_err(DataError::write(folder))?;
        }
        let path = self.work.join("lock");
        let lock = File::create(&path).map_err(DataError::write(&path))?;
        if lock.try_lock().is_err() {
            return Err(DataError::set(&self.out, "another run is at work here; wait for it, or choose another --out"));
        }
        let path = self.work.join("plan.json");
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => write_json(&path, record)?,
            Err(error) => return Err(DataError::read(&path)(error)),
            Ok(bytes) => {
                if !serde_json::from_slice::<SetRecord>(&bytes).is_ok_and(|begun| begun.same_plan(record)) {
                    let problem = "holds the beginning of another run (other settings, other files or another version \
                                   of est); remove it, or choose another --out";
                    return Err(DataError::set(&self.out, problem));
                }
            }
        }
        for folder in [&self.work, &self.parts, &self.out, &self.out.join(SPLITS)] {
            whole_file::sweep(folder).map_err(DataError::read(folder))?;
        }
        Ok(lock)
    }

    /// Takes away what [`build`] has written, and the folders that are empty then.
    fn remove(&self, plan: &SetPlan) {
        let _ = fs::remove_dir_all(&self.work);
        let splits = plan.split.iter().map(|split| self.split(split));
        let files = splits.flat_map(|split| [split.with_extension("json"), split]);
        files.chain((0..plan.shards()).map(|shard| self.shard(shard))).for_each(|file| _ = fs::remove_file(file));
        for folder in [self.out.join(SHARDS), self.out.join(SPLITS), self.out.clone()] {
            // Fails where it holds something else, which stays.
            let _ = fs::remove_dir(folder);
        }
    }

    /// Puts the parts of a shard together, and then away.
    fn pack(&self, plan: &SetPlan, shard: usize) -> Result<(), DataError> {
        let path = self.shard(shard);
        // Begun in the working folder, which is cleared of what a killed run leaves.
        let scratch = self.work.join(shard_name(shard));
        let mut file = whole_file::begin(&scratch).map_err(DataError::write(&path))?;
        let mut headers = vec![];
        let mut written = 0;
        for clip in &plan.clips[plan.clips_of(shard)] {
            let part = self.part(clip);
            let (mut header, mut members) = part::open(&part).map_err(DataError::read(&part))?;
            let copied = io::copy(&mut members, &mut file).map_err(DataError::write(&path))?;
            if copied != header.bytes {
                return Err(DataError::set(&part, "is cut short; remove it and start again"));
            }
            header.frames.iter_mut().for_each(|(offset, ..)| *offset += written);
            header.row.shard = (!header.frames.is_empty()).then_some(shard);
            headers.push(header);
            written += copied;
        }
        file.write_all(&[0; ARCHIVE_END]).map_err(DataError::write(&path))?;
        write_json(&self.shard_rows(shard), &headers)?;
        whole_file::place(file, &path).map_err(DataError::write(&path))?;
        for clip in &plan.clips[plan.clips_of(shard)] {
            let _ = fs::remove_file(self.part(clip));
        }
        Ok(())
    }

    /// The rows and the index of the whole set.
    fn collect(&self, plan: &SetPlan) -> Result<(Vec<ClipRow>, Vec<FramePlace>), DataError> {
        let (mut rows, mut places) = (vec![], vec![]);
        for shard in 0..plan.shards() {
            let path = self.shard_rows(shard);
            let bytes = fs::read(&path).map_err(DataError::read(&path))?;
            let headers: Vec<PartHeader> = serde_json::from_slice(&bytes)
                .map_err(|error| DataError::set(&path, format!("cannot be understood ({error}); remove --out")))?;
            for PartHeader { mut row, frames, .. } in headers {
                row.first_frame = row.shard.map(|_| places.len() as u64);
                let place = |(offset, length, pts_s)| FramePlace { offset, length, shard: shard as u32, pts_s };
                places.extend(frames.into_iter().map(place));
                rows.push(row);
            }
        }
        Ok((rows, places))
    }
}

/// One run's work.
struct Run<'a, P> {
    plan: &'a SetPlan,
    folder: &'a Folder,
    progress: &'a P,
    /// Clips that are still to be made.
    wanted: Vec<usize>,
    /// Clips of each shard that are not done; None when the shard is.
    missing: Mutex<Vec<Option<usize>>>,
    resumed: usize,
    made: AtomicUsize,
    frames: AtomicUsize,
}

impl<'a, P: Fn(BuildProgress) + Sync> Run<'a, P> {
    fn new(plan: &'a SetPlan, folder: &'a Folder, progress: &'a P) -> Result<Self, DataError> {
        let parts: BTreeSet<String> = fs::read_dir(&folder.parts)
            .map_err(DataError::read(&folder.parts))?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        let (mut wanted, mut missing) = (vec![], vec![]);
        for shard in 0..plan.shards() {
            let open: Vec<usize> =
                plan.clips_of(shard).filter(|&clip| !parts.contains(&plan.clips[clip].clip)).collect();
            if folder.shard(shard).exists() {
                missing.push(None);
                continue;
            }
            missing.push(Some(open.len()));
            wanted.extend(open);
        }
        let resumed = plan.clips.len() - wanted.len();
        let (made, frames) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Ok(Run { plan, folder, progress, wanted, missing: Mutex::new(missing), resumed, made, frames })
    }

    fn all<M: ClipMaker>(
        &self,
        threads: usize,
        new_maker: impl Fn() -> Result<M, DataError> + Sync,
    ) -> Result<(), DataError> {
        // Shards of which every clip was done, but not the shard.
        for shard in 0..self.plan.shards() {
            if self.missing.lock().expect("no worker panics with it")[shard] == Some(0) {
                self.folder.pack(self.plan, shard)?;
            }
        }
        self.tell();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if threads == 0 { cores } else { threads }.min(self.wanted.len());
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let worker = || -> Result<(), DataError> {
            let mut maker = new_maker()?;
            while !failed.load(Ordering::Relaxed) {
                let Some(&clip) = self.wanted.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                self.one(clip, &mut maker)?;
            }
            Ok(())
        };
        let worker = || worker().inspect_err(|_| failed.store(true, Ordering::Relaxed));
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
            let join = |worker: std::thread::ScopedJoinHandle<'_, Result<(), DataError>>| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            // Every worker is waited for, whatever the first one says.
            workers.into_iter().map(join).collect::<Vec<_>>().into_iter().collect()
        })
    }

    fn one(&self, clip: usize, maker: &mut impl ClipMaker) -> Result<(), DataError> {
        let made = maker.make(clip, &Scratch::new(&self.folder.work))?;
        let frames = made.frames.as_ref().map_or(0, Frames::len);
        let row = &self.plan.clips[clip];
        let path = self.folder.part(row);
        part::write(&path, row.clone(), made).map_err(DataError::write(&path))?;
        self.frames.fetch_add(frames, Ordering::Relaxed);
        self.made.fetch_add(1, Ordering::Relaxed);

        let shard = clip / self.plan.shard_clips;
        let complete = {
            let mut missing = self.missing.lock().expect("no worker panics with it");
            let open = missing[shard].as_mut().expect("a clip of a shard that is not done");
            *open -= 1;
            *open == 0
        };
        if complete {
            self.folder.pack(self.plan, shard)?;
        }
        self.tell();
        Ok(())
    }

    fn tell(&self) {
        (self.progress)(BuildProgress {
            done: self.resumed + self.made.load(Ordering::Relaxed),
            resumed: self.resumed,
            total: self.plan.clips.len(),
            frames: self.frames.load(Ordering::Relaxed) as u64,
        });
    }
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), DataError> {
    let write = || {
        let mut file = whole_file::begin(path)?;
        serde_json::to_writer_pretty(&mut file, value)?;
        file.write_all(b"\n")?;
        whole_file::place(file, path)
    };
    write().map_err(DataError::write(path))
}

fn write_manifest(path: &Path, rows: &[ClipRow]) -> Result<(), DataError> {
    let write = || -> io::Result<()> {
        let mut table = csv::Writer::from_writer(whole_file::begin(path)?);
        rows.iter().try_for_each(|row| table.serialize(row))?;
        whole_file::place(table.into_inner().map_err(|error| error.into_error())?, path)
    };
    write().map_err(DataError::write(path))
}
