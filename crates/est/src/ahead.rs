//! A source of frames that works in a thread of its own: decoding, detection and cropping go on while the encoder is at
//! earlier crops.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use crate::error::EstError;
use crate::faces::{CroppedFrame, FaceSource};

/// Turns of the source that may wait, each of at most the tracker's few frames: enough that the encoder always finds a
/// full batch, 15 MB of crops of one face.
const AHEAD: usize = 32;

pub struct Ahead<'scope> {
    frames: Receiver<Result<Vec<CroppedFrame>, EstError>>,
    thread: Option<ScopedJoinHandle<'scope, ()>>,
}

impl<'scope> Ahead<'scope> {
    /// Starts to take frames from `source`. Dropped, it stops the thread at its next frame.
    pub fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        source: &'scope mut (dyn FaceSource + Send + 'scope),
    ) -> Self {
        let (sender, frames) = sync_channel(AHEAD);
        let thread = scope.spawn(move || {
            while let Some(frames) = source.next_frames().transpose() {
                let over = frames.is_err();
                // A send fails when nobody reads any more.
                if sender.send(frames).is_err() || over {
                    return;
                }
            }
        });
        Ahead { frames, thread: Some(thread) }
    }
}

impl FaceSource for Ahead<'_> {
    fn next_frames(&mut self) -> Result<Option<Vec<CroppedFrame>>, EstError> {
        match self.frames.recv() {
            Ok(frames) => frames.map(Some),
            // The thread is over: its panic goes on here.
            Err(_) => match self.thread.take().map(ScopedJoinHandle::join) {
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                _ => Ok(None),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Empty turns up to number `count`, then what `then` does.
    struct Turns<F> {
        given: AtomicUsize,
        count: usize,
        then: F,
    }

    impl<F: FnMut() -> Result<Option<Vec<CroppedFrame>>, EstError>> FaceSource for Turns<F> {
        fn next_frames(&mut self) -> Result<Option<Vec<CroppedFrame>>, EstError> {
            if self.given.fetch_add(1, Ordering::Relaxed) < self.count { Ok(Some(vec![])) } else { (self.then)() }
        }
    }

    fn turns<F>(count: usize, then: F) -> Turns<F> {
        Turns { given: AtomicUsize::new(0), count, then }
    }

    #[test]
    fn every_turn_arrives_and_then_the_end() {
        let mut source = turns(3 * AHEAD, || Ok(None));
        std::thread::scope(|scope| {
            let mut ahead = Ahead::start(scope, &mut source);
            for _ in 0..3 * AHEAD {
                assert!(ahead.next_frames().unwrap().is_some());
            }
            assert!(ahead.next_frames().unwrap().is_none());
            assert!(ahead.next_frames().unwrap().is_none(), "the end stays the end");
        });
    }

    #[test]
    fn an_error_arrives_in_its_place() {
        let error = || EstError::Model { id: "x".to_string(), problem: "wrong".to_string() };
        let mut source = turns(1, || Err(error()));
        std::thread::scope(|scope| {
            let mut ahead = Ahead::start(scope, &mut source);
            assert!(ahead.next_frames().unwrap().is_some());
            assert!(ahead.next_frames().unwrap_err().to_string().contains("wrong"));
            assert!(ahead.next_frames().unwrap().is_none());
        });
    }

    #[test]
    fn who_stops_reading_stops_the_source() {
        let mut source = turns(usize::MAX, || Ok(None));
        std::thread::scope(|scope| {
            let mut ahead = Ahead::start(scope, &mut source);
            assert!(ahead.next_frames().unwrap().is_some());
        });
        // One read, those that waited, and one that found nobody.
        assert!(source.given.into_inner() <= AHEAD + 3);
    }

    #[test]
    #[should_panic(expected = "the source is broken")]
    fn a_panic_goes_on_at_the_reader() {
        let mut source = turns(1, || panic!("the source is broken"));
        std::thread::scope(|scope| {
            let mut ahead = Ahead::start(scope, &mut source);
            while ahead.next_frames().unwrap().is_some() {}
        });
    }
}
