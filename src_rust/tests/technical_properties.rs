//! Columns and streams agree, answers stay in their range, and what is refused changes nothing.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test fails by panicking; these values are exact"
)]

mod property_config;

use phantom_core::technical::batch::{self, BatchError};
use phantom_core::technical::{
    AnyIndicator, Atr, Bollinger, Ema, Indicator, InputError, MAX_MAGNITUDE, MAX_PERIOD, RealisedVolatility,
    Roc, Rsi, Sma, Span,
};
use proptest::prelude::*;

/// Prices that move, stand still for a while, jump by many orders and come in any unit.
fn prices() -> impl Strategy<Value = Vec<f64>> {
    let step = prop_oneof![
        6 => (-1e-3..1e-3_f64).prop_map(|step| (1.0 + step, 1)),
        2 => (1_usize..60).prop_map(|ticks| (1.0, ticks)),
        1 => (-9_i32..9).prop_map(|power| (10.0_f64.powi(power), 1)),
    ];
    (-40_i32..40, prop::collection::vec(step, 0..400)).prop_map(|(unit, steps)| {
        let start = 2.0_f64.powi(unit);
        let mut price = start;
        let mut prices = Vec::new();
        for (factor, ticks) in steps {
            let next = price * factor;
            // Back to the start rather than out of range.
            price = if (1e-100..1e100).contains(&next) { next } else { start };
            prices.extend(std::iter::repeat_n(price, ticks));
        }
        prices
    })
}

/// Any number, with those that are refused among them.
fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(0.0), -1e3..1e3_f64, Just(-1e150)]
}

fn stream(indicator: &mut impl Indicator, values: &[f64]) -> Vec<f64> {
    values.iter().map(|&value| indicator.update(value).unwrap_or(f64::NAN)).collect()
}

/// Asserts that both have their answers in the same rows, equal but for `tolerance` times the scale.
fn same(
    found: &[f64],
    expected: &[f64],
    tolerance: f64,
    scale: impl Fn(usize) -> f64,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), expected.len());
    for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
        prop_assert_eq!(found.is_nan(), expected.is_nan(), "row {}", row);
        let difference = (found - expected).abs();
        prop_assert!(
            found.is_nan() || difference <= tolerance * scale(row),
            "row {}: {} {}",
            row,
            found,
            expected
        );
    }
    Ok(())
}

/// Returns what the rounding errors of an average of this weight are fractions of.
///
/// A stream adds `weight * (input - level)`: an error is a part of the level before and of the input,
/// which is at most `level / weight`, and fades as both do.
fn remembered(levels: &[f64], weight: f64) -> Vec<f64> {
    let (mut scale, mut last) = (0.0, 0.0);
    let scales = levels.iter().map(|&level| {
        let level = if level.is_nan() { 0.0 } else { level };
        scale = (1.0 - weight) * scale + level / weight + last;
        last = level;
        scale
    });
    scales.collect()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn each_of(period: usize) -> [AnyIndicator; 5] {
    [
        Sma::new(period).unwrap().into(),
        Ema::new(period).unwrap().into(),
        Rsi::new(period).unwrap().into(),
        RealisedVolatility::new(period, 7.0).unwrap().into(),
        Roc::new(period).unwrap().into(),
    ]
}

proptest! {
    #![proptest_config(property_config::cases(400))]

    #[test]
    fn columns_equal_streams(prices in prices(), period in 1_usize..70) {
        let found = batch::ema(&prices, period).unwrap();
        let scale = remembered(&found, 2.0 / (period as f64 + 1.0));
        same(&found, &stream(&mut Ema::new(period).unwrap(), &prices), 1e-15, |row| scale[row])?;
        let found = batch::rsi(&prices, period).unwrap();
        same(&found, &stream(&mut Rsi::new(period).unwrap(), &prices), 1e-9, |_| 1.0)?;
        prop_assert!(found.iter().all(|index| index.is_nan() || (0.0..=100.0).contains(index)));
        let found = batch::bollinger(&prices, period, 2.0).unwrap();
        let mut streamed = Bollinger::new(period, 2.0).unwrap();
        let expected = batch::update_many_bollinger(&mut streamed, &prices).unwrap();
        // What a window's largest value has, not what the column's had.
        let scale = |row: usize| {
            prices[(row + 1).saturating_sub(period)..=row].iter().copied().fold(0.0, f64::max)
        };
        same(&found.upper, &expected.upper, 1e-12, scale)?;
        same(&found.middle, &expected.middle, 1e-13, scale)?;
        same(&found.lower, &expected.lower, 1e-12, scale)?;
        same(&batch::sma(&prices, period).unwrap(), &expected.middle, 1e-13, scale)?;
        prop_assert!(found.upper.iter().zip(&found.lower).all(|(upper, lower)| upper.is_nan() || upper >= lower));
        let found = batch::roc(&prices, period).unwrap();
        prop_assert_eq!(bits(&found), bits(&stream(&mut Roc::new(period).unwrap(), &prices)));
        // Two prices are a candle, so that there are gaps between candles.
        let candles = prices.chunks_exact(2);
        let high: Vec<f64> = candles.clone().map(|pair| pair[0].max(pair[1])).collect();
        let low: Vec<f64> = candles.clone().map(|pair| pair[0].min(pair[1])).collect();
        let close: Vec<f64> = candles.map(|pair| pair[1]).collect();
        let found = batch::atr(&high, &low, &close, period).unwrap();
        let expected = batch::update_many_atr(&mut Atr::new(period).unwrap(), &high, &low, &close).unwrap();
        let scale = remembered(&found, 1.0 / period as f64);
        same(&found, &expected, 1e-15, |row| scale[row])?;
        prop_assert!(found.iter().all(|range| range.is_nan() || *range >= 0.0));
    }

    #[test]
    fn many_at_once_equal_one_by_one_to_the_last_bit(prices in prices(), period in 1_usize..70, cut in 0_usize..400) {
        let (first, second) = prices.split_at(cut.min(prices.len()));
        for mut indicator in each_of(period) {
            let mut twin = indicator.clone();
            let mut found = batch::update_many(&mut indicator, first).unwrap();
            found.extend(batch::update_many(&mut indicator, second).unwrap());
            prop_assert_eq!(bits(&found), bits(&stream(&mut twin, &prices)));
            prop_assert_eq!(indicator.value(), twin.value());
            indicator.reset();
            prop_assert_eq!(bits(&stream(&mut indicator, &prices)), bits(&found));
        }
    }

    #[test]
    fn what_is_refused_changes_nothing(
        mixed in prop::collection::vec(prop_oneof![2 => anything(), 3 => 0.5..2.0_f64], 0..200),
        period in 1_usize..20,
    ) {
        for mut indicator in each_of(period) {
            let mut clean = indicator.clone();
            for &value in &mixed {
                let before = indicator.value();
                if let Ok(answer) = indicator.try_update(value) {
                    prop_assert_eq!(answer, clean.update(value));
                    prop_assert!(answer.is_none_or(f64::is_finite), "{:?} of {:?}", answer, mixed);
                } else {
                    prop_assert_eq!(indicator.value(), before);
                }
            }
            let usable: Vec<f64> = mixed.iter().copied().filter(|&value| indicator.check(value).is_ok()).collect();
            let first = mixed.iter().position(|&value| indicator.check(value).is_err());
            clean.reset();
            match (batch::update_many(&mut clean, &mixed), first) {
                (Err(BatchError::Row { row, .. }), Some(first)) => prop_assert_eq!(row, first),
                (found, first) => prop_assert!(found.is_ok() && first.is_none(), "{:?} {:?}", found, first),
            }
            if first.is_some() {
                prop_assert_eq!(clean.value(), None);
            }
            prop_assert!(batch::update_many(&mut clean, &usable).is_ok());
        }
    }

    #[test]
    fn no_column_panics(
        columns in prop::collection::vec((anything(), anything(), anything(), any::<i64>()), 0..60),
        period in 0_usize..40,
        settings in (anything(), any::<i64>()),
    ) {
        let column = |of: fn(&(f64, f64, f64, i64)) -> f64| columns.iter().map(of).collect::<Vec<_>>();
        let [a, b, c] = [column(|row| row.0), column(|row| row.1), column(|row| row.2)];
        let times: Vec<i64> = columns.iter().map(|row| row.3).collect();
        let answers = [
            batch::sma(&a, period),
            batch::ema(&a, period),
            batch::rsi(&a, period),
            batch::roc(&a, period),
            batch::atr(&a, &b, &c, period),
            batch::realised_volatility(&a, period, settings.0),
            batch::vwap(&a, &b, None, Span::Last(period)),
            batch::vwap(&a, &b, None, Span::SinceReset),
            batch::vwap(&a, &b, Some(&times), Span::Session(settings.1)),
            batch::bollinger(&a, period, settings.0).map(|bands| bands.upper),
        ];
        for answer in answers {
            let is_sound = answer.as_ref().map_or(true, |answer| {
                answer.len() == columns.len() && answer.iter().all(|value| !value.is_infinite())
            });
            prop_assert!(is_sound, "{:?}", answer);
        }
    }

    #[test]
    fn an_average_price_lies_among_the_prices(
        trades in prop::collection::vec((0.5..2.0_f64, prop_oneof![Just(0.0), 1e-300..1e9_f64]), 1..200),
        period in 1_usize..20,
    ) {
        let (price, volume): (Vec<f64>, Vec<f64>) = trades.iter().copied().unzip();
        for span in [Span::Last(period), Span::SinceReset] {
            for (row, answer) in batch::vwap(&price, &volume, None, span).unwrap().into_iter().enumerate() {
                let from = if span == Span::SinceReset { 0 } else { (row + 1).saturating_sub(period) };
                let traded = trades[from..=row].iter().filter(|trade| trade.1 > 0.0).map(|trade| trade.0);
                let (low, high) = traded.fold((9.0_f64, 0.0_f64), |(low, high), price| (low.min(price), high.max(price)));
                let is_missing = high == 0.0 || (span != Span::SinceReset && row + 1 < period);
                prop_assert_eq!(answer.is_nan(), is_missing);
                prop_assert!(is_missing || (answer >= low - 1e-13 && answer <= high + 1e-13));
            }
        }
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    for period in [0, MAX_PERIOD + 1, usize::MAX] {
        let refused = InputError::Period(period);
        assert_eq!(Sma::new(period).err(), Some(refused));
        assert_eq!(Ema::new(period).err(), Some(refused));
        assert_eq!(Rsi::new(period).err(), Some(refused));
        assert_eq!(Roc::new(period).err(), Some(refused));
        assert_eq!(Atr::new(period).err(), Some(refused));
        assert_eq!(Bollinger::new(period, 2.0).err(), Some(refused));
        assert_eq!(RealisedVolatility::new(period, 1.0).err(), Some(refused));
        assert_eq!(batch::ema(&[], period), Err(BatchError::Setting(refused)));
    }
    for number in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e151] {
        assert!(Bollinger::new(5, number).is_err(), "{number}");
        assert!(RealisedVolatility::new(5, number).is_err(), "{number}");
    }
    assert!(Sma::new(MAX_PERIOD).is_ok());
}

#[test]
fn the_largest_values_have_finite_answers() {
    let values: Vec<f64> =
        (0..1_000).map(|tick| if tick % 3 == 0 { -MAX_MAGNITUDE } else { MAX_MAGNITUDE }).collect();
    let flat: Vec<f64> = values.iter().map(|value| value.abs()).collect();
    let volumes = vec![MAX_MAGNITUDE; values.len()];
    let bands = batch::bollinger(&values, 50, 2.0).unwrap();
    let columns = [
        batch::sma(&values, 50).unwrap(),
        batch::ema(&values, 50).unwrap(),
        batch::rsi(&values, 50).unwrap(),
        batch::atr(&flat, &values, &values, 50).unwrap(),
        batch::vwap(&values, &volumes, None, Span::SinceReset).unwrap(),
        batch::vwap(&values, &volumes, None, Span::Last(50)).unwrap(),
        bands.upper,
        bands.lower,
    ];
    for column in columns {
        assert!(column[51..].iter().all(|value| value.is_finite()));
    }
}

#[test]
fn rows_are_counted_from_the_start_of_the_column() {
    let error = InputError::OutOfRange { name: "value", value: f64::INFINITY };
    let mut values = vec![1.0; 2_000];
    values[..7].fill(f64::NAN);
    for row in [7, 20, 1_999] {
        values[row] = f64::INFINITY;
        let refused = Err(BatchError::Row { row, error });
        assert_eq!(batch::ema(&values, 5), refused);
        assert_eq!(batch::rsi(&values, 5), refused);
        assert_eq!(batch::sma(&values, 5), refused);
        assert_eq!(batch::roc(&values, 5), refused);
        assert_eq!(batch::bollinger(&values, 5, 1.0).err(), refused.clone().err());
        let ones = vec![1.0; values.len()];
        let error = InputError::OutOfRange { name: "close", value: f64::INFINITY };
        assert_eq!(batch::atr(&ones, &ones, &values, 5), Err(BatchError::Row { row, error }));
        values[row] = 1.0;
    }
    assert!(batch::ema(&values, 5).unwrap()[..11].iter().all(|value| value.is_nan()));
    assert_eq!(batch::ema(&values, 5).unwrap()[11], 1.0);
}
