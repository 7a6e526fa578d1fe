//! A source of frames that works in a thread of its own: decoding, detection and cropping go on while the encoder is at
//! earlier crops.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use est_media::DecodeReport;

use crate::error::EstError;
use crate::faces::{CroppedFrame, FaceSource};

/// Turns of the source that may wait, one for each decoded frame: what is found while the model is read, and enough later
/// that the encoder always finds a full batch; 10 MB of crops of one face.
const AHEAD: usize = 64;

pub struct Ahead {
    frames: Receiver<Result<Vec<CroppedFrame>, EstError>>,
    /// Gives the source's report when it is over.
    thread: Option<JoinHandle<DecodeReport>>,
    report: DecodeReport,
}

impl Ahead {
    /// Starts to take frames from `source`. Dropped, it stops the thread at its next frame.
    pub fn start(mut source: impl FaceSource + Send + 'static) -> Self {
        let (sender, frames) = sync_channel(AHEAD);
        let thread = std::thread::spawn(move || {
            while let Some(frames) = source.next_frames().transpose() {
                let over = frames.is_err();
                // A send fails when nobody reads any more.
                if sender.send(frames).is_err() || over {
                    break;
                }
            }
            source.report()
        });
        Ahead { frames, thread: Some(thread), report: DecodeReport::default() }
    }
}

impl FaceSource for Ahead {
    fn next_frames(&mut self) -> Result<Option<Vec<CroppedFrame>>, EstError> {
        match self.frames.recv() {
            Ok(frames) => frames.map(Some),
            // The thread is over: its panic goes on here.
            Err(_) => {
                if let Some(thread) = self.thread.take() {
                    self.report = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                }
                Ok(None)
            }
        }
    }

    /// Empty until the end was met.
    fn report(&self) -> DecodeReport {
        self.report.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Empty turns up to number `count`, then what `then` does.
    struct Turns<F> {
        given: Arc<AtomicUsize>,
        count: usize,
        then: F,
    }

    impl<F: FnMut() -> Result<Option<Vec<CroppedFrame>>, EstError>> FaceSource for Turns<F> {
        fn next_frames(&mut self) -> Result<Option<Vec<CroppedFrame>>, EstError> {
            if self.given.fetch_add(1, Ordering::Relaxed) < self.count { Ok(Some(vec![])) } else { (self.then)() }
        }

        fn report(&self) -> DecodeReport {
            let mut report = DecodeReport::default();
            report.decoded = self.given.load(Ordering::Relaxed) as u64;
            report
        }
    }

    fn turns<F>(count: usize, then: F) -> Turns<F> {
        Turns { given: Arc::default(), count, then }
    }

    #[test]
    fn every_turn_arrives_and_then_the_end() {
        let mut ahead = Ahead::start(turns(3 * AHEAD, || Ok(None)));
        for _ in 0..3 * AHEAD {
            assert!(ahead.next_frames().unwrap().is_some());
        }
        assert!(ahead.next_frames().unwrap().is_none());
        assert!(ahead.next_frames().unwrap().is_none(), "the end stays the end");
        assert_eq!(ahead.report().decoded, 3 * AHEAD as u64 + 1);
    }

    #[test]
    fn an_error_arrives_in_its_place() {
        let error = || EstError::Model { id: "x".to_string(), problem: "wrong".to_string() };
        let mut ahead = Ahead::start(turns(1, move || Err(error())));
        assert!(ahead.next_frames().unwrap().is_some());
        assert!(ahead.next_frames().unwrap_err().to_string().contains("wrong"));
        assert!(ahead.next_frames().unwrap().is_none());
    }

    #[test]
    fn who_stops_reading_stops_the_source() {
        let source = turns(usize::MAX, || Ok(None));
        let given = source.given.clone();
        let mut ahead = Ahead::start(source);
        assert!(ahead.next_frames().unwrap().is_some());
        let thread = ahead.thread.take().unwrap();
        drop(ahead);
        thread.join().unwrap();
        // One read, those that waited, and one that found nobody.
        assert!(given.load(Ordering::Relaxed) <= AHEAD + 3);
    }

    #[test]
    #[should_panic(expected = "the source is broken")]
    fn a_panic_goes_on_at_the_reader() {
        let mut ahead = Ahead::start(turns(1, || panic!("the source is broken")));
        while ahead.next_frames().unwrap().is_some() {}
    }
}
