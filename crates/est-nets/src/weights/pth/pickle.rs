//! A pickle interpreter that can build only plain data. Values live in one arena and refer to each other by index,
//! so shared and cyclic values cost nothing, nothing here recurses, and the memory is bounded by [`MAX_BYTES`] and
//! [`MAX_VALUES`] whatever the bytes say.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

use super::super::error::{WeightsError, clip};
use super::globals::{Global, Rebuild, lookup};

/// The longest pickle read. The pickle of the largest preset (ResNet-50) with its optimiser's state is under 1 MB.
pub(super) const MAX_BYTES: u64 = 8 << 20;
/// The most values in one pickle, counting those copied into a new dictionary.
const MAX_VALUES: usize = 2 << 20;
/// The longest module or attribute name.
const MAX_NAME: usize = 256;

/// Index of a value in its [`Pickle`].
pub(super) type Id = u32;

#[derive(Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// A persistent id: the tuple that describes a storage.
    Storage(Id),
    /// A tensor: the tuple of the arguments of its rebuild function.
    Tensor(Rebuild, Id),
    /// Plain data that is ignored.
    Opaque,
}

/// The values of one pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    values: Vec<Value>,
    pub root: Id,
}

impl Pickle {
    pub fn get(&self, id: Id) -> &Value {
        &self.values[id as usize]
    }

    pub fn values(&self) -> &[Value] {
        &self.values
    }

    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// A non-negative integer.
    pub fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }
}

/// Reads one pickle, up to and with its STOP.
pub(super) fn read(reader: &mut impl Read, path: &Path) -> Result<Pickle, WeightsError> {
    let mut machine = Machine {
        reader: reader.take(MAX_BYTES),
        path,
        values: Vec::new(),
        copied: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let root = machine.run()?;
    Ok(Pickle { values: machine.values, root })
}

struct Machine<'a, R> {
    reader: io::Take<&'a mut R>,
    path: &'a Path,
    values: Vec<Value>,
    /// Items copied out of one value into another.
    copied: usize,
    stack: Vec<Id>,
    /// Heights of the stack at the open marks; nothing below the last is popped.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<R: Read> Machine<'_, R> {
    fn run(&mut self) -> Result<Id, WeightsError> {
        loop {
            let [opcode] = self.bytes()?;
            match opcode {
                b'.' => return self.pop(),
                0x80 => match self.bytes()? {
                    [2..=5] => {}
                    [other] => return Err(self.refuse(format!("pickle protocol {other} is not supported"))),
                },
                0x95 => drop(self.bytes::<8>()?),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.pop_mark()?),
                b'2' => self.stack.push(self.top()?),
                b'N' => self.push(Value::None)?,
                0x88 => self.push(Value::Bool(true))?,
                0x89 => self.push(Value::Bool(false))?,
                b'J' => self.int(|bytes: [u8; 4]| i32::from_le_bytes(bytes).into())?,
                b'K' => self.int(|[byte]: [u8; 1]| byte.into())?,
                b'M' => self.int(|bytes: [u8; 2]| u16::from_le_bytes(bytes).into())?,
                0x8a => self.long::<1>()?,
                0x8b => self.long::<4>()?,
                b'G' => {
                    let value = f64::from_be_bytes(self.bytes()?);
                    self.push(Value::Float(value))?;
                }
                b'U' | 0x8c => self.text::<1>()?,
                b'T' | b'X' => self.text::<4>()?,
                0x8d => self.text::<8>()?,
                b'C' => self.skip::<1>()?,
                b'B' => self.skip::<4>()?,
                0x8e | 0x96 => self.skip::<8>()?,
                b']' => self.push(Value::List(Vec::new()))?,
                b')' => self.push(Value::Tuple(Vec::new()))?,
                b'}' => self.push(Value::Dict(Vec::new()))?,
                0x8f => self.push(Value::Opaque)?,
                0x85..=0x87 => self.short_tuple(usize::from(opcode - 0x84))?,
                b't' => {
                    let items = self.pop_mark()?;
                    self.push(Value::Tuple(items))?;
                }
                b'l' => {
                    let items = self.pop_mark()?;
                    self.push(Value::List(items))?;
                }
                b'd' => {
                    let items = self.pop_mark()?;
                    self.push(Value::Dict(Vec::new()))?;
                    self.set_items(&items)?;
                }
                0x91 => {
                    self.pop_mark()?;
                    self.push(Value::Opaque)?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(&[item])?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_mark()?;
                    self.append(&items)?;
                }
                b's' => {
                    let value = self.pop()?;
                    let key = self.pop()?;
                    self.set_items(&[key, value])?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    self.set_items(&items)?;
                }
                b'h' => self.recall::<1>()?,
                b'j' => self.recall::<4>()?,
                b'q' => self.memoize::<1>()?,
                b'r' => self.memoize::<4>()?,
                0x94 => {
                    let (index, top) = (self.memo.len() as u32, self.top()?);
                    self.memo.insert(index, top);
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(&module, &name)?;
                }
                0x93 => self.stack_global()?,
                b'Q' => {
                    let description = self.pop()?;
                    self.push(Value::Storage(description))?;
                }
                b'R' | 0x81 => {
                    let arguments = self.pop()?;
                    self.call(arguments)?;
                }
                0x92 => {
                    let (_keywords, arguments) = (self.pop()?, self.pop()?);
                    self.call(arguments)?;
                }
                // The state that BUILD adds (an OrderedDict's attributes, a parameter's) holds no weights.
                b'b' => drop(self.pop()?),
                other => {
                    return Err(self.refuse(format!("pickle opcode {other:#04x} is not one that torch.save writes")));
                }
            }
        }
    }

    fn offset(&self) -> u64 {
        MAX_BYTES - self.reader.limit()
    }

    fn damaged(&self, detail: &str) -> WeightsError {
        WeightsError::damaged(self.path, format!("{detail} at byte {} of the pickle", self.offset()))
    }

    fn refuse(&self, detail: String) -> WeightsError {
        WeightsError::unsupported(self.path, format!("{detail}; save the state dict again with torch.save"))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|source| self.short(source))?;
        Ok(bytes)
    }

    fn short(&self, source: io::Error) -> WeightsError {
        if source.kind() == io::ErrorKind::UnexpectedEof && self.reader.limit() == 0 {
            return self.refuse(format!("the pickle is longer than {} MiB", MAX_BYTES >> 20));
        }
        WeightsError::reading(self.path, "the pickle", source)
    }

    /// A little-endian length of `N` bytes, at most what is left to read.
    fn length<const N: usize>(&mut self) -> Result<usize, WeightsError> {
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(&self.bytes::<N>()?);
        let length = u64::from_le_bytes(wide);
        if length > self.reader.limit() {
            return Err(self.damaged("an impossible length"));
        }
        Ok(length as usize)
    }

    /// `length` bytes; grows as they arrive, so that a false length allocates nothing.
    fn blob(&mut self, length: usize) -> Result<Vec<u8>, WeightsError> {
        let mut blob = Vec::new();
        (&mut self.reader).take(length as u64).read_to_end(&mut blob).map_err(|source| self.short(source))?;
        if blob.len() < length {
            return Err(self.short(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(blob)
    }

    fn line(&mut self) -> Result<String, WeightsError> {
        let mut line = Vec::new();
        loop {
            match self.bytes()? {
                [b'\n'] => break,
                [byte] if line.len() < MAX_NAME => line.push(byte),
                _ => return Err(self.damaged("an overlong name")),
            }
        }
        String::from_utf8(line).map_err(|_| self.damaged("a name that is not UTF-8"))
    }

    /// Fails when `extra` more values would be too many.
    fn charge(&self, extra: usize) -> Result<(), WeightsError> {
        if self.values.len().saturating_add(self.copied).saturating_add(extra) > MAX_VALUES {
            return Err(self.refuse(format!("the pickle holds more than {MAX_VALUES} values")));
        }
        Ok(())
    }

    fn push(&mut self, value: Value) -> Result<(), WeightsError> {
        self.charge(1)?;
        self.stack.push(self.values.len() as Id);
        self.values.push(value);
        Ok(())
    }

    fn top(&self) -> Result<Id, WeightsError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&id) if self.stack.len() > floor => Ok(id),
            _ => Err(self.damaged("an empty stack")),
        }
    }

    fn pop(&mut self) -> Result<Id, WeightsError> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, WeightsError> {
        let Some(height) = self.marks.pop() else {
            return Err(self.damaged("a missing mark"));
        };
        Ok(self.stack.split_off(height))
    }

    fn int<const N: usize>(&mut self, convert: impl Fn([u8; N]) -> i64) -> Result<(), WeightsError> {
        let bytes = self.bytes()?;
        self.push(Value::Int(convert(bytes)))
    }

    /// A little-endian two's complement integer of any length; beyond 64 bits it is no size, index or epoch.
    fn long<const N: usize>(&mut self) -> Result<(), WeightsError> {
        let length = self.length::<N>()?;
        let bytes = self.blob(length)?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        let value = match wide.get_mut(..bytes.len()) {
            Some(low) => {
                low.copy_from_slice(&bytes);
                Value::Int(i64::from_le_bytes(wide))
            }
            None => Value::Opaque,
        };
        self.push(value)
    }

    /// Text, or a Python 2 byte string (read as Latin-1 where it is not UTF-8).
    fn text<const N: usize>(&mut self) -> Result<(), WeightsError> {
        let length = self.length::<N>()?;
        let bytes = self.blob(length)?;
        let text =
            String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
        self.push(Value::Text(text))
    }

    fn skip<const N: usize>(&mut self) -> Result<(), WeightsError> {
        let length = self.length::<N>()?;
        self.blob(length)?;
        self.push(Value::Opaque)
    }

    fn short_tuple(&mut self, count: usize) -> Result<(), WeightsError> {
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Value::Tuple(items))
    }

    fn append(&mut self, items: &[Id]) -> Result<(), WeightsError> {
        let top = self.top()?;
        match &mut self.values[top as usize] {
            Value::List(list) => list.extend_from_slice(items),
            Value::Opaque => {}
            _ => return Err(self.damaged("an append to what is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), WeightsError> {
        let top = self.top()?;
        if !items.len().is_multiple_of(2) {
            return Err(self.damaged("a key without a value"));
        }
        match &mut self.values[top as usize] {
            Value::Dict(entries) => entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            Value::Opaque => {}
            _ => return Err(self.damaged("an entry for what is no dictionary")),
        }
        Ok(())
    }

    fn memo_index<const N: usize>(&mut self) -> Result<u32, WeightsError> {
        let mut wide = [0; 4];
        wide[..N].copy_from_slice(&self.bytes::<N>()?);
        Ok(u32::from_le_bytes(wide))
    }

    fn recall<const N: usize>(&mut self) -> Result<(), WeightsError> {
        let index = self.memo_index::<N>()?;
        match self.memo.get(&index) {
            Some(&id) => self.stack.push(id),
            None => return Err(self.damaged("a reference to nothing")),
        }
        Ok(())
    }

    fn memoize<const N: usize>(&mut self) -> Result<(), WeightsError> {
        let (index, top) = (self.memo_index::<N>()?, self.top()?);
        self.memo.insert(index, top);
        Ok(())
    }

    fn stack_global(&mut self) -> Result<(), WeightsError> {
        let (name, module) = (self.pop()?, self.pop()?);
        match (&self.values[module as usize], &self.values[name as usize]) {
            (Value::Text(module), Value::Text(name)) if module.len().max(name.len()) <= MAX_NAME => {
                let (module, name) = (module.clone(), name.clone());
                self.global(&module, &name)
            }
            _ => Err(self.damaged("a name that is no text")),
        }
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), WeightsError> {
        match lookup(module, name) {
            Some(global) => self.push(Value::Global(global)),
            None => Err(WeightsError::ForeignGlobal {
                path: self.path.to_owned(),
                global: clip(&format!("{module}.{name}")),
            }),
        }
    }

    /// Replaces the callable on the stack by what it makes of `arguments`.
    fn call(&mut self, arguments: Id) -> Result<(), WeightsError> {
        let callable = self.pop()?;
        let Value::Tuple(items) = &self.values[arguments as usize] else {
            return Err(self.damaged("arguments that are no tuple"));
        };
        let first = items.first().copied();
        match self.values[callable as usize] {
            Value::Global(Global::Rebuild(rebuild)) => self.push(Value::Tensor(rebuild, arguments)),
            Value::Global(Global::Parameter) => self.parameter(first),
            Value::Global(Global::FromType) => self.tensor_with_attributes(arguments),
            Value::Global(Global::OrderedDict) => self.ordered_dict(first),
            Value::Global(Global::Size) => match first {
                Some(size) if matches!(self.values[size as usize], Value::Tuple(_)) => {
                    self.stack.push(size);
                    Ok(())
                }
                _ => Err(self.damaged("a torch.Size of no tuple")),
            },
            Value::Global(Global::Opaque | Global::Storage(_)) | Value::Opaque => self.push(Value::Opaque),
            _ => Err(self.damaged("a call of what is no function")),
        }
    }

    fn parameter(&mut self, tensor: Option<Id>) -> Result<(), WeightsError> {
        match tensor {
            Some(tensor) if matches!(self.values[tensor as usize], Value::Tensor(..)) => {
                self.stack.push(tensor);
                Ok(())
            }
            _ => Err(self.damaged("a parameter without a tensor")),
        }
    }

    /// A tensor that carries Python attributes: the inner function and its arguments.
    fn tensor_with_attributes(&mut self, arguments: Id) -> Result<(), WeightsError> {
        let (function, inner) = match &self.values[arguments as usize] {
            Value::Tuple(items) if items.len() >= 3 => (items[0], items[2]),
            _ => return Err(self.damaged("too few arguments of _rebuild_from_type_v2")),
        };
        match (&self.values[function as usize], &self.values[inner as usize]) {
            (&Value::Global(Global::Rebuild(rebuild)), Value::Tuple(_)) => self.push(Value::Tensor(rebuild, inner)),
            (Value::Global(Global::Parameter), Value::Tuple(items)) => {
                let tensor = items.first().copied();
                self.parameter(tensor)
            }
            _ => Err(self.damaged("an unknown rebuild function")),
        }
    }

    /// `OrderedDict()`, or as Python 2 wrote it `OrderedDict([[key, value], ...])`.
    fn ordered_dict(&mut self, pairs: Option<Id>) -> Result<(), WeightsError> {
        let mut entries = Vec::new();
        if let Some(pairs) = pairs {
            let Value::List(pairs) = &self.values[pairs as usize] else {
                return Err(self.damaged("an OrderedDict of no list"));
            };
            self.charge(pairs.len())?;
            self.copied += pairs.len();
            for &pair in pairs {
                match &self.values[pair as usize] {
                    Value::List(pair) | Value::Tuple(pair) if pair.len() == 2 => entries.push((pair[0], pair[1])),
                    _ => return Err(self.damaged("an OrderedDict of no pairs")),
                }
            }
        }
        self.push(Value::Dict(entries))
    }
}
