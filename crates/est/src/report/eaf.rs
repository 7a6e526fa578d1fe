//! ELAN's annotation format, version 3.0: a tier for each face track, an annotation for each stretch of its label.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::media_link::MediaLink;
use super::output::OutputFile;
use super::record::RunRecord;
use super::reports::Report;
use super::stretches::{Stretch, Stretches};
use super::summary::Summary;
use crate::error::EstError;
use crate::row::{Row, UNCERTAIN};

/// The type of all tiers and the vocabulary that their annotations are taken from.
const TYPE: &str = "apparent expression";
const VOCABULARY: &str = "apparent expressions";
/// The schema wants a date; that of the run would make two equal runs differ.
const DATE: &str = "1970-01-01T00:00:00+00:00";

pub struct EafReport {
    file: OutputFile,
    media: Option<MediaLink>,
    classes: Vec<String>,
    stretches: Stretches,
}

impl EafReport {
    pub fn create(path: &Path, media: Option<MediaLink>, record: &RunRecord) -> Result<Self, EstError> {
        let classes = record.model.classes.clone();
        Ok(EafReport { file: OutputFile::create(path)?, media, classes, stretches: Stretches::default() })
    }
}

impl Report for EafReport {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        self.stretches.add(row);
        Ok(())
    }

    fn finish(mut self: Box<Self>, summary: &Summary) -> Result<Vec<PathBuf>, EstError> {
        let stretches = std::mem::take(&mut self.stretches).finish();
        let stretches = stretches.into_iter().map(|stretch| stretch.played(summary.player_offset_s)).collect();
        let tracks: Vec<u32> = summary.tracks.iter().map(|track| track.track_id).collect();
        let document = Document { media: self.media.take(), classes: &self.classes, tracks: &tracks, stretches };
        self.file.with(|file| document.write(&mut Writer::new_with_indent(file, b' ', 2)))?;
        Ok(vec![self.file.commit()?])
    }
}

struct Document<'a> {
    media: Option<MediaLink>,
    classes: &'a [String],
    tracks: &'a [u32],
    stretches: Vec<Stretch>,
}

/// A stretch in whole milliseconds, with the numbers of its two time slots.
struct Annotation<'a> {
    stretch: &'a Stretch,
    ms: [u64; 2],
    slots: [usize; 2],
}

impl Document<'_> {
    fn write<W: Write>(&self, xml: &mut Writer<W>) -> io::Result<()> {
        let mut annotations: Vec<Annotation> = self.stretches.iter().filter_map(Annotation::of).collect();
        let slots = number_slots(&mut annotations);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.create_element("ANNOTATION_DOCUMENT")
            .with_attributes([
                ("AUTHOR", "est"),
                ("DATE", DATE),
                ("FORMAT", "3.0"),
                ("VERSION", "3.0"),
                ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
                ("xsi:noNamespaceSchemaLocation", "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"),
            ])
            .write_inner_content(|xml| {
                self.header(xml)?;
                xml.create_element("TIME_ORDER").write_inner_content(|xml| {
                    for (number, ms) in (1..).zip(&slots) {
                        let (id, ms) = (slot(number), ms.to_string());
                        let slot = xml.create_element("TIME_SLOT");
                        slot.with_attributes([("TIME_SLOT_ID", &*id), ("TIME_VALUE", &*ms)]).write_empty()?;
                    }
                    Ok(())
                })?;
                let mut id = 0;
                for &track in self.tracks {
                    self.tier(xml, track, &annotations, &mut id)?;
                }
                self.vocabulary(xml)
            })?;
        xml.get_mut().write_all(b"\n")
    }

    fn header<W: Write>(&self, xml: &mut Writer<W>) -> io::Result<()> {
        let header = [("MEDIA_FILE", ""), ("TIME_UNITS", "milliseconds")];
        xml.create_element("HEADER").with_attributes(header).write_inner_content(|xml| {
            if let Some(media) = &self.media {
                let mut descriptor = xml.create_element("MEDIA_DESCRIPTOR");
                descriptor = descriptor.with_attributes([("MEDIA_URL", &*media.url), ("MIME_TYPE", media.mime)]);
                if let Some(relative) = &media.relative {
                    descriptor = descriptor.with_attribute(("RELATIVE_MEDIA_URL", &**relative));
                }
                descriptor.write_empty()?;
            }
            for (name, text) in [("notice", RunRecord::NOTICE), ("version", env!("CARGO_PKG_VERSION"))] {
                let property = xml.create_element("PROPERTY").with_attribute(("NAME", &*format!("est.{name}")));
                property.write_text_content(BytesText::new(text))?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn tier<W: Write>(
        &self,
        xml: &mut Writer<W>,
        track: u32,
        annotations: &[Annotation],
        id: &mut usize,
    ) -> io::Result<()> {
        let tier = [("LINGUISTIC_TYPE_REF", TYPE), ("TIER_ID", &*format!("face {track}"))];
        let own = annotations.iter().filter(|annotation| annotation.stretch.track == track);
        let tier = xml.create_element("TIER").with_attributes(tier);
        tier.write_inner_content(|xml| {
            for annotation in own {
                *id += 1;
                let (label, entry) = match annotation.stretch.label {
                    None => (UNCERTAIN, self.classes.len()),
                    Some(label) => (&*self.classes[label], label),
                };
                let [from, to] = annotation.slots.map(slot);
                let attributes = [
                    ("ANNOTATION_ID", &*format!("a{id}")),
                    ("CVE_REF", &*entry_id(entry)),
                    ("TIME_SLOT_REF1", &*from),
                    ("TIME_SLOT_REF2", &*to),
                ];
                xml.create_element("ANNOTATION").write_inner_content(|xml| {
                    let inner = xml.create_element("ALIGNABLE_ANNOTATION").with_attributes(attributes);
                    inner.write_inner_content(|xml| {
                        xml.create_element("ANNOTATION_VALUE").write_text_content(BytesText::new(label))?;
                        Ok(())
                    })?;
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn vocabulary<W: Write>(&self, xml: &mut Writer<W>) -> io::Result<()> {
        let kind = [
            ("CONTROLLED_VOCABULARY_REF", VOCABULARY),
            ("GRAPHIC_REFERENCES", "false"),
            ("LINGUISTIC_TYPE_ID", TYPE),
            ("TIME_ALIGNABLE", "true"),
        ];
        xml.create_element("LINGUISTIC_TYPE").with_attributes(kind).write_empty()?;
        let language = [
            ("LANG_DEF", "http://cdb.iso.org/lg/CDB-00130975-001"),
            ("LANG_ID", "und"),
            ("LANG_LABEL", "undetermined (und)"),
        ];
        xml.create_element("LANGUAGE").with_attributes(language).write_empty()?;
        let vocabulary = xml.create_element("CONTROLLED_VOCABULARY").with_attribute(("CV_ID", VOCABULARY));
        vocabulary.write_inner_content(|xml| {
            let description = xml.create_element("DESCRIPTION").with_attribute(("LANG_REF", "und"));
            description.write_text_content(BytesText::new(RunRecord::NOTICE))?;
            let entries = self.classes.iter().map(String::as_str).chain([UNCERTAIN]);
            for (number, entry) in entries.enumerate() {
                let attribute = ("CVE_ID", &*entry_id(number));
                xml.create_element("CV_ENTRY_ML").with_attribute(attribute).write_inner_content(|xml| {
                    let value = xml.create_element("CVE_VALUE");
                    let value = value.with_attributes([("DESCRIPTION", ""), ("LANG_REF", "und")]);
                    value.write_text_content(BytesText::new(entry))?;
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

impl<'a> Annotation<'a> {
    /// None for what lasts less than a millisecond: ELAN knows nothing shorter.
    fn of(stretch: &'a Stretch) -> Option<Self> {
        let ms = [stretch.from_s, stretch.to_s].map(|time| (time.max(0.0) * 1000.0).round() as u64);
        (ms[0] < ms[1]).then_some(Annotation { stretch, ms, slots: [0; 2] })
    }
}

/// Gives each annotation two slots of its own, as ELAN does, and returns their times in order.
fn number_slots(annotations: &mut [Annotation]) -> Vec<u64> {
    let of = |(place, annotation): (usize, &Annotation)| [0, 1].map(|end| (annotation.ms[end], place, end));
    let mut slots: Vec<(u64, usize, usize)> = annotations.iter().enumerate().flat_map(of).collect();
    slots.sort_unstable();
    for (number, &(_, place, end)) in (1..).zip(&slots) {
        annotations[place].slots[end] = number;
    }
    slots.into_iter().map(|(ms, ..)| ms).collect()
}

fn slot(number: usize) -> String {
    format!("ts{number}")
}

fn entry_id(number: usize) -> String {
    format!("cveid_{number}")
}
