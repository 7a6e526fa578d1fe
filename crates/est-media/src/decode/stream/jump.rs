//! To a later place of a file without decoding what is before it, where that gives the same frames.
//!
//! MP4 and Matroska have the time of every picture in them, whatever was read before; of the others FFmpeg reckons times from
//! where it began, or a clock may be set back on the way: those are decoded from the beginning. A place is believed only if
//! a key frame that is not later than what is asked for is the first packet there, and its picture the first that comes out.

use ff::error::EAGAIN;
use ffmpeg_next as ff;

use super::{Phase, Stream};

/// Below this decoding from the beginning is as quick.
const WORTH_S: f64 = 2.0;
/// How far before the place FFmpeg is asked to go. Its index counts in times of decoding, which are a little earlier than
/// those of showing; each next step is for key frames that turned out to be none.
const BEFORE_S: [f64; 4] = [0.5, 5.0, 20.0, 80.0];
/// Packets of other streams that may come first.
const MOST_OTHERS: usize = 100_000;

impl Stream {
    /// Goes before the frame at `start_s`, or stays at the beginning where that is as good. False: it is somewhere else now and
    /// has to be opened again.
    pub(super) fn jump(&mut self, start_s: f64) -> bool {
        let container = &self.info.container;
        let indexed = container.starts_with("mov,mp4") || container.starts_with("matroska");
        if !indexed || start_s < WORTH_S {
            return true;
        }
        // The first picture has a say in where zero is.
        if !self.decode_one() {
            return false;
        }
        self.clock.read(self.picture.timestamp(), 0);
        let arrived = BEFORE_S.into_iter().any(|before_s| self.arrive(start_s, start_s - before_s));
        self.forget_damage();
        arrived
    }

    fn arrive(&mut self, start_s: f64, from_s: f64) -> bool {
        let Some(zero_s) = self.clock.zero_s().filter(|_| from_s > 0.0) else { return false };
        let place = ((from_s + zero_s) * 1e6).floor() as i64;
        if self.input.seek(place, ..place).is_err() {
            return false;
        }
        self.decoder.flush();
        (self.suspect, self.ready, self.phase) = (None, None, Phase::Reading);
        let Some(packet) = (0..MOST_OTHERS).find_map(|_| self.own_packet()).flatten() else { return false };
        let in_time =
            |timestamp: Option<i64>| timestamp.is_some_and(|timestamp| self.clock.time_of(timestamp) <= start_s);
        if !packet.is_key() || packet.is_corrupt() || !in_time(packet.pts()) {
            return false;
        }
        self.ready = Some(packet);
        let came = self.decode_one() && self.picture.timestamp().is_some_and(|at| self.clock.time_of(at) <= start_s);
        if came {
            self.clock.rewind();
            self.held = true;
        }
        came
    }

    /// Some at the end, or with the next packet of this stream.
    fn own_packet(&mut self) -> Option<Option<ff::Packet>> {
        let mut packet = ff::Packet::empty();
        match packet.read(&mut self.input) {
            Ok(()) if packet.stream() == self.index && packet.size() > 0 => Some(Some(packet)),
            Ok(()) => None,
            Err(_) => Some(None),
        }
    }

    /// Decodes the next picture, whatever it is.
    fn decode_one(&mut self) -> bool {
        loop {
            match self.decoder.receive_frame(&mut self.picture) {
                Ok(()) => return true,
                Err(ff::Error::Other { errno: EAGAIN }) if self.phase == Phase::Reading => self.feed(),
                Err(ff::Error::Eof | ff::Error::Other { errno: EAGAIN }) => return false,
                Err(_) => {}
            }
        }
    }

    fn forget_damage(&mut self) {
        (self.report.damaged, self.report.dropped, self.reason) = (0, 0, None);
    }

    /// A frame before the range: what was wrong up to here is not told.
    pub(super) fn pass(&mut self) {
        self.forget_damage();
        if self.pulsed.elapsed().as_millis() >= 1000
            && let Some(pulse) = &self.pulse.0
        {
            pulse();
            self.pulsed = std::time::Instant::now();
        }
    }
}
