//! The operations that exist here, by id, with their parameter schemas.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use upkeep_contract::OperationId;
use upkeep_contract::operation::OperationDescription;
use upkeep_contract::params::{InvalidParameter, Validate};

use crate::{Context, Finished, Operation, OperationError};

/// An operation behind its JSON form, so that operations with different parameters share a map.
#[async_trait]
trait ErasedOperation: Send + Sync {
    fn describe(&self) -> OperationDescription;
    fn host_limit(&self) -> Option<u32>;
    fn accept(&self, params: Value) -> Result<Value, OperationError>;
    async fn run(
        &self,
        params: Value,
        context: &Context,
    ) -> Result<Finished<Value>, OperationError>;
}

#[async_trait]
impl<O: Operation> ErasedOperation for O {
    fn describe(&self) -> OperationDescription {
        let schema = SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<O::Params>();
        OperationDescription {
            id: OperationId::from(Operation::id(self)),
            summary: self.summary().to_owned(),
            deletes: self.deletes(),
            follows_a_task: self.follows_a_task(),
            parameters: schema.to_value(),
        }
    }

    fn host_limit(&self) -> Option<u32> {
        Operation::host_limit(self)
    }

    fn accept(&self, params: Value) -> Result<Value, OperationError> {
        to_value(&read::<O>(params)?)
    }

    async fn run(
        &self,
        params: Value,
        context: &Context,
    ) -> Result<Finished<Value>, OperationError> {
        match Operation::run(self, read::<O>(params)?, context).await? {
            Finished::Succeeded(report) => to_value(&report).map(Finished::Succeeded),
            Finished::Partial(report) => to_value(&report).map(Finished::Partial),
        }
    }
}

fn read<O: Operation>(params: Value) -> Result<O::Params, OperationError> {
    // serde would take a list as the fields in their order: `[0]` must not mean "of any age"
    if !params.is_object() {
        return Err(OperationError::from(InvalidParameter {
            key: "params".to_owned(),
            problem: "cannot be read: give a JSON object such as {}".to_owned(),
        }));
    }
    let params: O::Params = serde_json::from_value(params).map_err(|error| InvalidParameter {
        key: "params".to_owned(),
        problem: format!("cannot be read: {error}"),
    })?;
    params.validate()?;
    Ok(params)
}

fn to_value<T: serde::Serialize>(value: &T) -> Result<Value, OperationError> {
    serde_json::to_value(value).map_err(|error| {
        OperationError::permanent(
            format!("cannot write the report as JSON: {error}"),
            "report this as a defect",
        )
    })
}

/// The operations that exist here.
#[derive(Clone, Default)]
pub struct Registry {
    order: Vec<OperationId>,
    operations: BTreeMap<OperationId, Arc<dyn ErasedOperation>>,
}

impl Registry {
    /// A registry without operations.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The registry with one more operation, shown after those it has.
    #[must_use]
    pub fn with(mut self, operation: impl Operation) -> Self {
        let id = OperationId::from(operation.id());
        if self
            .operations
            .insert(id.clone(), Arc::new(operation))
            .is_none()
        {
            self.order.push(id);
        }
        self
    }

    /// The registry with these operations alone, in the order it had; an id that it does not know adds nothing.
    #[must_use]
    pub fn only(mut self, ids: &[OperationId]) -> Self {
        self.order.retain(|id| ids.contains(id));
        self.operations.retain(|id, _| ids.contains(id));
        self
    }

    /// The ids, in the order they are shown.
    pub fn ids(&self) -> &[OperationId] {
        &self.order
    }

    /// What a front door shows of each operation.
    pub fn describe(&self) -> Vec<OperationDescription> {
        self.order
            .iter()
            .filter_map(|id| self.operations.get(id))
            .map(|operation| operation.describe())
            .collect()
    }

    /// How many tasks of an operation may run at once on one host; those without a limit are left out.
    pub fn host_limits(&self) -> HashMap<OperationId, u32> {
        let limits = self.operations.iter();
        limits
            .filter_map(|(id, operation)| Some((id.clone(), operation.host_limit()?)))
            .collect()
    }

    /// Checks parameters without running anything, and returns them complete with their defaults.
    ///
    /// # Errors
    /// [`OperationError::InvalidParameter`] names the key; [`OperationError::Permanent`] when there is no such operation.
    pub fn accept(&self, id: &OperationId, params: Value) -> Result<Value, OperationError> {
        self.find(id)?.accept(params)
    }

    /// Performs an operation once.
    ///
    /// # Errors
    /// As the operation's; [`OperationError::Permanent`] when there is no such operation.
    pub async fn run(
        &self,
        id: &OperationId,
        params: Value,
        context: &Context,
    ) -> Result<Finished<Value>, OperationError> {
        self.find(id)?.run(params, context).await
    }

    fn find(&self, id: &OperationId) -> Result<&Arc<dyn ErasedOperation>, OperationError> {
        self.operations.get(id).ok_or_else(|| {
            let known: Vec<&str> = self.order.iter().map(OperationId::as_str).collect();
            OperationError::permanent(
                format!("there is no operation `{id}`"),
                format!("use one of: {}", known.join(", ")),
            )
        })
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("Registry")
            .field(&self.order)
            .finish()
    }
}
