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
