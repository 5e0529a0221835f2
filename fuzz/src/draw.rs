//! Makes values from the bytes of the fuzzer.

use std::fmt::Display;

use serde::{
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected,
        IntoDeserializer as _, MapAccess, SeqAccess, VariantAccess, Visitor,
        value::U32Deserializer,
    },
    forward_to_deserialize_any,
};
use thiserror::Error;

/// The largest length of a list within a value.
const MAX_ENTRIES: usize = 7;

/// A source of values that never ends: after the last byte all values are zero.
///
/// The source is a serde format: it makes a value of any type with `Deserialize` from any bytes,
/// with one byte for most fields. So every input of an algorithm can be drawn without code in the
/// crate of the algorithm. If the fuzzer changes one byte, mostly one field changes. This helps the
/// fuzzer to come closer to an interesting input.
#[derive(Clone, Debug)]
pub struct Draw<'a> {
    bytes: &'a [u8],
}

/// A type needs something that a [`Draw`] does not support: text, byte strings, or floating-point,
/// signed or 128-bit numbers. A type that expects the format to name the type of the next value
/// (`deserialize_any`) is not supported either, because the bytes of the fuzzer do not name types.
#[derive(Debug, Error)]
#[error("cannot be drawn: {0}")]
pub struct UnsupportedType(String);

impl serde::de::Error for UnsupportedType {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl<'a> Draw<'a> {
    /// Creates a source of values from these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Returns `true` if all further values are zero.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Draws a byte.
    pub fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((&byte, rest)) => {
                self.bytes = rest;
                byte
            }
            None => 0,
        }
    }

    /// Draws a number in `0..choices`.
    pub fn below(&mut self, choices: usize) -> usize {
        usize::from(self.byte()) % choices.max(1)
    }

    /// Draws `true` or `false`.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Draws a number: mostly one of the eight lowest, so that epochs, ballots and nodes are often
    /// equal; otherwise one of the four highest, or any number.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            byte @ 0..=0xdf => u64::from(byte % 8),
            byte @ 0xe0..=0xef => u64::MAX - u64::from(byte % 4),
            0xf0..=0xff => {
                let mut any = [0; 8];
                any.fill_with(|| self.byte());
                u64::from_le_bytes(any)
            }
        }
    }

    /// Takes some of the bytes without a change, at most 63.
    pub fn raw(&mut self) -> &'a [u8] {
        let length = self.below(64).min(self.bytes.len());
        let (raw, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        raw
    }

    /// Takes all remaining bytes without a change.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    /// Draws a value of this type.
    ///
    /// # Panics
    /// Panics if the type cannot be drawn: then the fuzz target has a fault.
    pub fn value<T: DeserializeOwned>(&mut self) -> T {
        T::deserialize(&mut *self).unwrap_or_else(|error| panic!("{error}"))
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsupportedType> {
            visitor.$visit($type::try_from(self.number()).unwrap_or($type::MAX))
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Draw<'_> {
    type Error = UnsupportedType;

    numbers! {
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsupportedType> {
        visitor.visit_bool(self.flag())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsupportedType> {
        if self.flag() {
            visitor.visit_some(self)
        } else {
            visitor.visit_none()
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsupportedType> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, UnsupportedType> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, UnsupportedType> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsupportedType> {
        let left = self.below(MAX_ENTRIES + 1);
        visitor.visit_seq(Entries { draw: self, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, UnsupportedType> {
        visitor.visit_seq(Entries { draw: self, left })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, UnsupportedType> {
        visitor.visit_seq(Entries { draw: self, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, UnsupportedType> {
        let left = fields.len();
        visitor.visit_seq(Entries { draw: self, left })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsupportedType> {
        let left = self.below(MAX_ENTRIES + 1);
        visitor.visit_map(Entries { draw: self, left })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, UnsupportedType> {
        let variant = self.below(variants.len());
        visitor.visit_enum(Variant {
            draw: self,
            variant: u32::try_from(variant).unwrap_or(0),
        })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UnsupportedType> {
        Err(UnsupportedType((&visitor as &dyn Expected).to_string()))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 f64 char str string bytes byte_buf identifier ignored_any
    }
}

/// The remaining entries of a list, or the remaining fields of a struct.
struct Entries<'d, 'a> {
    draw: &'d mut Draw<'a>,
    left: usize,
}

impl Entries<'_, '_> {
    /// Counts one entry. Returns `false` if no entry was left.
    fn next(&mut self) -> bool {
        let has_next = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has_next
    }
}

impl<'de> SeqAccess<'de> for Entries<'_, '_> {
    type Error = UnsupportedType;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, UnsupportedType> {
        self.next()
            .then(|| seed.deserialize(&mut *self.draw))
            .transpose()
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = UnsupportedType;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, UnsupportedType> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, UnsupportedType> {
        seed.deserialize(&mut *self.draw)
    }
}

/// The index of the variant of an enum that was drawn, and the source of the fields of the variant.
struct Variant<'d, 'a> {
    draw: &'d mut Draw<'a>,
    variant: u32,
}

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = UnsupportedType;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), UnsupportedType> {
        let variant: U32Deserializer<UnsupportedType> = self.variant.into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = UnsupportedType;

    fn unit_variant(self) -> Result<(), UnsupportedType> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, UnsupportedType> {
        seed.deserialize(self.draw)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, UnsupportedType> {
        self.draw.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, UnsupportedType> {
        self.draw.deserialize_tuple(fields.len(), visitor)
    }
}
