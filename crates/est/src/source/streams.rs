//! Files with several video streams: several cameras, or a screen beside a camera.

use est_media::{DecodeOptions, TimeRange, Video};

use super::{Input, Source};

impl Input {
    /// Each video stream of a file as a video of its own, called `x.stream-1`, `x.stream-2` and so on. What has one stream
    /// stays as it is, and so does what cannot be opened: who reads it is told why.
    pub fn each_stream(self, options: &DecodeOptions) -> Vec<Input> {
        let Source::File(file) = &self.source else { return vec![self] };
        let first = DecodeOptions { stream: None, range: TimeRange::default(), ..options.clone() };
        let streams = Video::open(file, &first).map_or(1, |video| video.info().streams);
        if streams < 2 {
            return vec![self];
        }
        let one = |number: u32| Input {
            source: Source::Stream { file: file.clone(), number },
            name: format!("{}.stream-{number}", self.name),
            columns: self.columns.clone(),
        };
        (1..=streams).map(one).collect()
    }
}
