//! Everything that a pool's quotes depend on, as bytes.

use super::arrays::Content;
use super::bitmap::Extension;
use super::pool::ClmmPool;
use super::tick_array::TickState;
use crate::swap::Value;
use crate::venues::Account;

impl ClmmPool {
    /// See [`crate::venues::PoolState::digest`].
    pub(super) fn feed(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&self.address.0);
        feed_values(&self.pool.values(), sink);
        sink(&[u8::from(self.closed), u8::from(self.config.is_some())]);
        if let Some(config) = &self.config {
            feed_values(&config.values(), sink);
        }
        for amount in self.vaults.amounts().unwrap_or_default() {
            sink(&amount.to_le_bytes());
        }
        sink(&self.vaults.frozen().map(u8::from));
        if let Extension::Present(extension) = &self.extension {
            feed_values(&extension.values(), sink);
        }
        for array in &self.arrays.known {
            sink(&array.start.to_le_bytes());
            match &array.content {
                Content::Unknown => sink(&[0]),
                Content::Absent => sink(&[1]),
                Content::Present { ticks, has_orders } => {
                    sink(&[2, u8::from(*has_orders)]);
                    for tick in ticks {
                        feed_tick(&tick.state, sink);
                    }
                }
            }
        }
    }
}

fn feed_values(values: &[(&'static str, Value)], sink: &mut dyn FnMut(&[u8])) {
    for (_, value) in values {
        feed_value(value, sink);
    }
}

fn feed_value(value: &Value, sink: &mut dyn FnMut(&[u8])) {
    match value {
        Value::Unsigned(number) => sink(&number.to_le_bytes()),
        Value::Signed(number) => sink(&number.to_le_bytes()),
        Value::Address(address) => sink(&address.0),
        Value::Bool(flag) => sink(&[u8::from(*flag)]),
        Value::Text(text) => sink(text.as_bytes()),
        Value::Bytes(bytes) => sink(bytes),
        Value::List(values) => values.iter().for_each(|value| feed_value(value, sink)),
        Value::Record(_, fields) => feed_values(fields, sink),
        Value::None => sink(&[]),
    }
}

fn feed_tick(tick: &TickState, sink: &mut dyn FnMut(&[u8])) {
    sink(&tick.tick.to_le_bytes());
    sink(&tick.liquidity_net.to_le_bytes());
    for growth in tick.fee_growth_outside_x64.iter().chain(&tick.reward_growths_outside_x64) {
        sink(&growth.to_le_bytes());
    }
}
