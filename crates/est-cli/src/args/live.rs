//! Sources without an end: cameras, streams, standard input.

use est_media::LiveOptions;

use super::positive;

#[derive(Debug, clap::Args)]
pub struct LiveArgs {
    /// Of a camera: everyone before it knows what is recorded and agrees; without it est asks
    #[arg(long)]
    pub consent: bool,
    /// Of a live source: end after this much video
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub seconds: Option<f64>,
    /// Of a live source: what its results are called [default: the source and the time]
    #[arg(long, value_name = "NAME", value_parser = plain_name)]
    pub name: Option<String>,
    /// Of a stream: an option of FFmpeg's for it, like rtsp_transport=tcp; may be given again
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub stream_option: Vec<(String, String)>,
}

impl LiveArgs {
    pub fn options(&self) -> LiveOptions {
        LiveOptions { options: self.stream_option.clone(), ..LiveOptions::default() }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("want KEY=VALUE")?;
    Ok((key.to_string(), value.to_string()))
}

fn plain_name(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && !text.starts_with('.') && !text.contains(['/', '\\']);
    if plain { Ok(text.to_string()) } else { Err("want a file name without folders".to_string()) }
}
