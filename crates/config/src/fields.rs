//! The keys that a settings type knows, asked from its own reader, so that no list is kept twice.

use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};

struct Fields<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only the fields were asked for"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The keys of `T`, which must be a struct with named fields.
pub(crate) fn fields_of<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // the reader is stopped on purpose once it has named its fields
    drop(T::deserialize(Fields(&mut fields)));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_names_its_own_keys() {
        let keys = fields_of::<upkeep_contract::settings::RunStoreSettings>();
        assert_eq!(
            keys,
            [
                "name",
                "path",
                "enabled",
                "include",
                "finished_when",
                "keep_newest",
                "allow_mount_root"
            ]
        );
    }
}
