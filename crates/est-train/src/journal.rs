//! What a run tells while it goes: one JSON object a line in `log.jsonl`, and the same curves as events of TensorBoard.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use est_nets::whole_file;

/// One line of the log. Losses and shares are means since the line before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    Update {
        epoch: u32,
        /// Updates done, this one included.
        updates: u64,
        loss: f64,
        class_loss: f64,
        order_loss: f64,
        /// Of the objective's further terms, by name, before their weights.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        terms: BTreeMap<String, f64>,
        class_accuracy: f64,
        order_accuracy: f64,
        rate: f64,
        images_per_s: f64,
        /// Seconds that the update waited for its batches.
        waited_s: f64,
    },
    Validation {
        epoch: u32,
        updates: u64,
        /// Clips of the validation part, share of right ones, and the mean of the classes' recalls.
        clips: usize,
        war: f64,
        uar: f64,
        loss: f64,
    },
}

impl Entry {
    pub fn updates(&self) -> u64 {
        match self {
            Entry::Update { updates, .. } | Entry::Validation { updates, .. } => *updates,
        }
    }

    /// The curves: name and value.
    fn scalars(&self) -> Vec<(String, f64)> {
        let named = |(name, value): (&str, f64)| (name.to_string(), value);
        match *self {
            Entry::Update {
                loss,
                class_loss,
                order_loss,
                class_accuracy,
                order_accuracy,
                rate,
                images_per_s,
                ref terms,
                ..
            } => [
                ("train/loss", loss),
                ("train/class_loss", class_loss),
                ("train/order_loss", order_loss),
                ("train/class_accuracy", class_accuracy),
                ("train/order_accuracy", order_accuracy),
                ("train/rate", rate),
                ("train/images_per_s", images_per_s),
            ]
            .map(named)
            .into_iter()
            .chain(terms.iter().map(|(name, &value)| (format!("train/{name}"), value)))
            .collect(),
            Entry::Validation { war, uar, loss, .. } => {
                [("validation/war", war), ("validation/uar", uar), ("validation/loss", loss)].map(named).to_vec()
            }
        }
    }
}

/// The two files, open for more.
pub struct Journal {
    log: File,
    events: File,
    log_path: PathBuf,
}

impl Journal {
    /// Opens the journal in `folder` with those lines of an earlier run that came before its checkpoint, `updates` updates
    /// in. The events are written anew.
    ///
    /// # Errors
    /// The file, and what the system says.
    pub fn open(folder: &Path, updates: u64) -> Result<Self, (PathBuf, io::Error)> {
        let log_path = folder.join("log.jsonl");
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| (path, error)
        };
        let old = match std::fs::read_to_string(&log_path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(at(&log_path))?,
        };
        // A line that a kill cut off is no entry.
        let kept: Vec<Entry> = old
            .lines()
            .filter_map(|line| serde_json::from_str::<Entry>(line).ok())
            .filter(|entry| entry.updates() <= updates)
            .collect();
        let rewrite = || -> io::Result<File> {
            let mut file = whole_file::begin(&log_path)?;
            kept.iter().try_for_each(|entry| write_line(file.as_file_mut(), entry))?;
            whole_file::place(file, &log_path)?;
            OpenOptions::new().append(true).open(&log_path)
        };
        let log = rewrite().map_err(at(&log_path))?;
        let events_path = folder.join("events.out.tfevents.0.est");
        let begin = || -> io::Result<File> {
            let mut events = File::create(&events_path)?;
            events.write_all(&record(&file_version()))?;
            kept.iter().try_for_each(|entry| events.write_all(&record(&event(entry))))?;
            Ok(events)
        };
        Ok(Journal { log, events: begin().map_err(at(&events_path))?, log_path })
    }

    /// # Errors
    /// When the disk is full.
    pub fn add(&mut self, entry: &Entry) -> io::Result<()> {
        write_line(&mut self.log, entry)?;
        self.events.write_all(&record(&event(entry)))
    }

    pub fn path(&self) -> &Path {
        &self.log_path
    }
}

fn write_line(file: &mut File, entry: &Entry) -> io::Result<()> {
    let line = serde_json::to_string(entry).expect("an entry is plain data") + "\n";
    file.write_all(line.as_bytes())
}

// TensorBoard's files: records of a length, its checksum, an `Event` message of protocol buffers, and its checksum.

/// Field `number` of a message: 0 a varint, 1 eight bytes, 2 bytes with their length, 5 four bytes.
fn key(number: u8, wire: u8) -> u8 {
    number << 3 | wire
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![];
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn bytes_field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[key(number, 2)], &varint(bytes.len() as u64)[..], bytes].concat()
}

/// `wall_time` of an event.
fn now() -> Vec<u8> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    [&[key(1, 1)][..], &seconds.to_le_bytes()].concat()
}

fn file_version() -> Vec<u8> {
    [now(), bytes_field(3, b"brain.Event:2")].concat()
}

fn event(entry: &Entry) -> Vec<u8> {
    let value = |(name, value): &(String, f64)| {
        let number = [&[key(2, 5)][..], &(*value as f32).to_le_bytes()].concat();
        bytes_field(1, &[bytes_field(1, name.as_bytes()), number].concat())
    };
    let summary: Vec<u8> = entry.scalars().iter().flat_map(value).collect();
    [now(), [&[key(2, 0)][..], &varint(entry.updates())].concat(), bytes_field(5, &summary)].concat()
}

fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), message, &masked(message).to_le_bytes()].concat()
}

/// CRC-32C, rotated and shifted as TFRecord files have it.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(updates: u64) -> Entry {
        Entry::Validation { epoch: 1, updates, clips: 4, war: 0.75, uar: 0.5, loss: 1.25 }
    }

    /// CRC-32C of "123456789" is e3069283 (RFC 3720); the mask is TFRecord's.
    #[test]
    fn checksums_are_those_of_the_format() {
        assert_eq!(masked(b"123456789"), 0xe306_9283u32.rotate_right(15).wrapping_add(0xa282_ead8));
    }

    #[test]
    fn events_are_what_tensorboard_reads() {
        let event = event(&update(300));
        assert_eq!(event[0], 0x09); // wall_time, eight bytes
        assert_eq!(event[9..12], [0x10, 0xac, 0x02]); // step 300
        assert_eq!(event[12], 0x2a); // summary
        let first = [&[0x0a, 0x15, 0x0a, 14][..], b"validation/war", &[0x15], &0.75f32.to_le_bytes()].concat();
        assert_eq!(event[14..14 + first.len()], first);
    }

    #[test]
    fn a_journal_goes_on_from_its_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), 0).unwrap();
        (1..=5).for_each(|updates| journal.add(&update(updates)).unwrap());
        std::fs::OpenOptions::new().append(true).open(journal.path()).unwrap().write_all(b"{\"kind\":\"upd").unwrap();
        let mut journal = Journal::open(folder.path(), 3).unwrap();
        journal.add(&update(4)).unwrap();
        let log = std::fs::read_to_string(journal.path()).unwrap();
        let updates: Vec<u64> =
            log.lines().map(|line| serde_json::from_str::<Entry>(line).unwrap().updates()).collect();
        assert_eq!(updates, [1, 2, 3, 4]);
    }
}
