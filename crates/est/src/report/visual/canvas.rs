//! Drawing on a picture: what `embedded-graphics` draws, magnified, and translucent grounds.

use std::convert::Infallible;

use embedded_graphics::mono_font::iso_8859_1::FONT_7X13_BOLD;
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Line, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Baseline, Text};
use est_media::Image;

const FONT: MonoFont<'static> = FONT_7X13_BOLD;

/// A picture in steps of `scale` pixels, the size of everything that is drawn on it.
pub struct Canvas<'a> {
    image: &'a mut Image,
    scale: i32,
}

/// In steps, from the top left.
pub type Place = (i32, i32);

pub fn rgb(colour: u32) -> Rgb888 {
    let [_, r, g, b] = colour.to_be_bytes();
    Rgb888::new(r, g, b)
}

impl<'a> Canvas<'a> {
    pub fn new(image: &'a mut Image, scale: usize) -> Self {
        Canvas { image, scale: scale.max(1) as i32 }
    }

    /// Width and height in steps.
    pub fn size(&self) -> (i32, i32) {
        (self.image.width as i32 / self.scale, self.image.height as i32 / self.scale)
    }

    /// From pixels to steps.
    pub fn step(&self, pixels: f32) -> i32 {
        (pixels.clamp(-1e6, 1e6) / self.scale as f32).round() as i32
    }

    /// Width of a text of `letters` and height of a line, in steps.
    pub fn text_size(letters: usize) -> (i32, i32) {
        (letters as i32 * FONT.character_size.width as i32, FONT.character_size.height as i32)
    }

    pub fn text(&mut self, (x, y): Place, colour: Rgb888, text: &str) {
        let style = MonoTextStyle::new(&FONT, colour);
        let Ok(_) = Text::with_baseline(text, Point::new(x, y), style, Baseline::Top).draw(self);
    }

    pub fn line(&mut self, from: Place, to: Place, colour: Rgb888) {
        let line = Line::new(Point::new(from.0, from.1), Point::new(to.0, to.1));
        let Ok(()) = line.into_styled(PrimitiveStyle::with_stroke(colour, 1)).draw(self);
    }

    pub fn frame(&mut self, place: Place, size: (i32, i32), width: u32, colour: Rgb888) {
        let Ok(()) = rectangle(place, size).into_styled(PrimitiveStyle::with_stroke(colour, width)).draw(self);
    }

    pub fn fill(&mut self, place: Place, size: (i32, i32), colour: Rgb888) {
        let Ok(()) = rectangle(place, size).into_styled(PrimitiveStyle::with_fill(colour)).draw(self);
    }

    /// Darkens a ground for text to a quarter of its light.
    pub fn shade(&mut self, place: Place, size: (i32, i32)) {
        let wanted = rectangle(place, size);
        let shaded = wanted.intersection(&self.bounding_box());
        for point in shaded.points() {
            self.each_pixel(point, |pixel| *pixel = pixel.map(|value| value / 4));
        }
    }

    fn each_pixel(&mut self, Point { x, y }: Point, change: impl Fn(&mut [u8; 3])) {
        let (scale, width, height) = (self.scale, self.image.width as i32, self.image.height as i32);
        let across = (x * scale).max(0)..((x + 1) * scale).min(width);
        for row in (y * scale).max(0)..((y + 1) * scale).min(height) {
            let pixels = self.image.data.as_chunks_mut::<3>().0;
            let start = row as usize * width as usize;
            for column in across.clone() {
                change(&mut pixels[start + column as usize]);
            }
        }
    }
}

fn rectangle((x, y): Place, (w, h): (i32, i32)) -> Rectangle {
    Rectangle::new(Point::new(x, y), Size::new(w.max(0) as u32, h.max(0) as u32))
}

impl OriginDimensions for Canvas<'_> {
    fn size(&self) -> Size {
        let (width, height) = Canvas::size(self);
        Size::new(width as u32, height as u32)
    }
}

impl DrawTarget for Canvas<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let shown = self.bounding_box();
        for Pixel(point, colour) in pixels {
            // Boxes may reach far over the picture's edge.
            if shown.contains(point) {
                self.each_pixel(point, |pixel| *pixel = [colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}
