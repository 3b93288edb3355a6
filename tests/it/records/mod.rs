//! Records: what they may hold, by every entrance, and what becomes of them.

mod card;
mod deletion;
mod editors;
mod entrances;
mod logins;
mod older_secrets;
mod record_entrances;
mod registering;
mod root_secrets;
mod spec_entrances;
mod stages;
mod stand_ins;
