//! After ten million ticks a stream answers what a fresh computation of the last ones answers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use phantom_core::technical::{
    Bands, Bollinger, Ema, Indicator, RealisedVolatility, Roc, Rsi, Sma, Span, Vwap,
};

const TICKS: usize = 10_000_000;
const PERIOD: usize = 21;
/// Ticks after which an EMA or RSI of this period has forgotten what was before: 0.95^2000 < 1e-44.
const MEMORY: usize = 2_000;

/// A random walk of small steps, in which a price a million times too high comes up now and then.
struct Prices {
    state: u64,
    price: f64,
}

impl Prices {
    fn new() -> Self {
        Self { state: 20_220_406, price: 80.0 }
    }

    fn next(&mut self) -> (f64, f64) {
        // Knuth's MMIX generator; its upper bits are good enough for noise.
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = (self.state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
        self.price *= 1.0 + 1e-3 * noise;
        let is_spike = self.state >> 48 == 0;
        (if is_spike { self.price * 1e6 } else { self.price }, (noise + 0.5) * 1e3)
    }
}

/// Returns mean and population standard deviation in two passes.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / count).sqrt())
}

fn close_to(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{what}: {found}, fresh {expected}");
}

fn last(mut indicator: impl Indicator, values: &[f64]) -> f64 {
    values.iter().map(|&value| indicator.update(value)).last().unwrap().unwrap()
}

#[test]
fn ten_million_ticks_leave_no_drift() {
    let mut prices = Prices::new();
    let mut recent = Vec::new();
    let mut volumes = Vec::new();
    let mut bollinger = Bollinger::new(PERIOD, 2.0).unwrap();
    let mut volatility = RealisedVolatility::new(PERIOD, 1.0).unwrap();
    let (mut sma, mut ema) = (Sma::new(PERIOD).unwrap(), Ema::new(PERIOD).unwrap());
    let (mut rsi, mut roc) = (Rsi::new(PERIOD).unwrap(), Roc::new(PERIOD).unwrap());
    let mut vwap = Vwap::new(Span::Last(PERIOD)).unwrap();
    let mut compared = 0;
    for tick in 1..=TICKS {
        let (price, volume) = prices.next();
        recent.push(price);
        volumes.push(volume);
        let bands = bollinger.try_update(price).unwrap();
        let answers = [&mut sma as &mut dyn Indicator, &mut ema, &mut rsi, &mut roc, &mut volatility]
            .map(|indicator| indicator.update(price));
        let weighted = vwap.try_update(price, volume, None).unwrap();
        // Often, also right after a spike has left, and at the very end.
        let is_after_spike = recent.len() > PERIOD && recent[recent.len() - 1 - PERIOD] > 100.0 * price;
        let is_due = is_after_spike || tick % 99_991 == 0 || tick == TICKS;
        if is_due && recent.len() > MEMORY {
            let window = &recent[recent.len() - PERIOD..];
            let returns = &recent[recent.len() - PERIOD - 1..];
            let (mean, deviation) = moments(window);
            let Bands { upper, middle, lower } = bands.unwrap();
            close_to(middle, mean, 1e-14, "middle band");
            // Of bands the distance is what can drift: their size is the mean's.
            assert!((upper - lower - 4.0 * deviation).abs() <= 1e-13 * mean, "tick {tick}");
            let [sma, ema, rsi, roc, volatility] = answers.map(Option::unwrap);
            close_to(sma, mean, 1e-14, "sma");
            close_to(roc, 100.0 * (price / returns[0] - 1.0), 1e-10 + 1e-13 / roc.abs(), "roc");
            let squares: f64 = returns.windows(2).map(|pair| (pair[1] / pair[0]).ln().powi(2)).sum();
            close_to(volatility, (squares / PERIOD as f64).sqrt(), 1e-10, "volatility");
            let memory = &recent[recent.len() - MEMORY..];
            if memory.iter().all(|&each| each < 100.0 * price) {
                close_to(ema, last(Ema::new(PERIOD).unwrap(), memory), 1e-13, "ema");
                close_to(rsi, last(Rsi::new(PERIOD).unwrap(), memory), 1e-11, "rsi");
            }
            let traded = &volumes[volumes.len() - PERIOD..];
            let money: f64 = window.iter().zip(traded).map(|(price, volume)| price * volume).sum();
            close_to(weighted.unwrap(), money / traded.iter().sum::<f64>(), 1e-13, "vwap");
            compared += 1;
        }
        if recent.len() > 2 * MEMORY + PERIOD {
            recent.drain(..MEMORY);
            volumes.drain(..MEMORY);
        }
    }
    assert!(compared > 200, "{compared} comparisons");
}

#[test]
fn a_session_of_ten_million_trades_keeps_its_average() {
    // Prices 1 to 4 in turn, volumes 4 to 1: 20 / 10 after every fourth trade.
    let mut vwap = Vwap::new(Span::SinceReset).unwrap();
    let mut average = None;
    for trade in 0..TICKS {
        let turn = (trade % 4) as f64;
        average = vwap.try_update(1.0 + turn, 4.0 - turn, None).unwrap();
    }
    close_to(average.unwrap(), 2.0, 1e-12, "vwap");
}
