//! Notifications of the chain's progress: slots and what becomes of them.

use super::super::json::Cursor;
use super::super::malformed::Malformed;
use super::super::{SlotStage, SlotsUpdate};
use super::{Frame, Result};

/// Reads the result of a `slotNotification`.
pub fn slot<'a>(cursor: &mut Cursor<'a>) -> Result<Frame<'a>> {
    let (mut slot, mut parent, mut root) = (None, None, None);
    cursor.object("result", |cursor, key| {
        match key {
            b"slot" => slot = Some(cursor.u64("slot")?),
            b"parent" => parent = Some(cursor.u64("parent")?),
            b"root" => root = Some(cursor.u64("root")?),
            _ => drop(cursor.skip()?),
        }
        Ok(())
    })?;
    let slot = slot.ok_or(Malformed::MissingField("slot"))?;
    let parent = parent.ok_or(Malformed::MissingField("parent"))?;
    let root = root.ok_or(Malformed::MissingField("root"))?;
    Ok(Frame::Slot { slot, parent, root })
}

/// Reads the result of a `slotsUpdatesNotification`.
pub fn update(cursor: &mut Cursor<'_>) -> Result<SlotsUpdate> {
    let (mut slot, mut parent, mut timestamp_ms, mut stage) = (None, None, None, None);
    cursor.object("result", |cursor, key| {
        match key {
            b"slot" => slot = Some(cursor.u64("slot")?),
            b"parent" => parent = Some(cursor.u64("parent")?),
            b"timestamp" => timestamp_ms = Some(cursor.u64("timestamp")?),
            b"type" => {
                let name = cursor.string("type")?;
                stage = Some(SlotStage::named(&name).ok_or(Malformed::WrongType("type"))?);
            }
            _ => drop(cursor.skip()?), // `stats` and `err`
        }
        Ok(())
    })?;
    Ok(SlotsUpdate {
        slot: slot.ok_or(Malformed::MissingField("slot"))?,
        stage: stage.ok_or(Malformed::MissingField("type"))?,
        parent,
        timestamp_ms: timestamp_ms.ok_or(Malformed::MissingField("timestamp"))?,
    })
}
