//! Sources without an end.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::decode_clips::Clips;
use est_media::{DecodeOptions, Live, LiveOptions, Video};

/// Serves `bytes` over HTTP to one client; then, if it is asked to, says nothing for the rest of the test.
fn serve(bytes: Vec<u8>, stay: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _ = client.read(&mut request);
        let _ = client.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: video/x-matroska\r\n\r\n");
        let _ = client.write_all(&bytes);
        if stay {
            std::thread::sleep(Duration::from_secs(60));
        }
    });
    format!("http://{address}/live.mkv")
}

#[test]
fn a_stream_of_the_network_is_read_to_its_end() {
    let clips = Clips::new();
    clips.counting(20, "-c:v libx264 -preset ultrafast a.mkv");
    let live = Live::named(&serve(clips.read("a.mkv"), false)).unwrap();
    let mut video = Video::watch(&live, &DecodeOptions::default()).unwrap();
    let mut times = vec![];
    while let Some(frame) = video.next_frame().unwrap() {
        times.push(frame.pts_s);
    }
    assert_eq!(times.len(), 20);
    assert!(times.is_sorted() && times[0] == 0.0 && (times[19] - 0.76).abs() < 0.002, "{times:?}");
}

#[test]
fn a_stream_that_says_nothing_more_ends_when_it_is_stopped() {
    let clips = Clips::new();
    clips.counting(40, "-c:v libx264 -preset ultrafast -tune zerolatency a.mkv");
    let options = DecodeOptions { live: LiveOptions::default(), ..DecodeOptions::default() };
    let stop = options.live.stop.clone();
    let live = Live::named(&serve(clips.read("a.mkv"), true)).unwrap();
    let mut video = Video::watch(&live, &options).unwrap();
    assert!(video.next_frame().unwrap().is_some());
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        stop.stop();
    });
    let mut frames = 1;
    while video.next_frame().unwrap().is_some() {
        frames += 1;
    }
    assert!((1..=40).contains(&frames), "{frames}");
}

#[test]
fn what_is_not_there_is_told() {
    let told = |live: &Live| match Video::watch(live, &DecodeOptions::default()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{live} is there"),
    };
    // A port that nobody listens at: it was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = told(&Live::Url(format!("http://127.0.0.1:{port}/a.ts")));
    assert!(error.contains("cannot be watched") && error.contains("check the address"), "{error}");
    let error = told(&Live::Camera(99));
    assert!(error.contains("cam:99") && error.contains("plugged in"), "{error}");
}
