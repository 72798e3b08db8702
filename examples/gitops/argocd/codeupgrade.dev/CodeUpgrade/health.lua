-- The phase says it all (ARCHITECTURE.md, health); the message is the object's own.
local words = {
  Observing = "Healthy", Done = "Healthy",
  Checking = "Progressing", Waiting = "Progressing", Upgrading = "Progressing", RollingOut = "Progressing",
  Suspended = "Suspended",
  Stalled = "Degraded",
}
local health = {status = "Progressing", message = "the operator has not looked at it yet"}
if obj.status == nil or obj.status.phase == nil then
  return health
end
if obj.status.observedGeneration ~= nil and obj.metadata.generation ~= nil
    and obj.status.observedGeneration ~= obj.metadata.generation then
  health.message = "the operator has not looked at the last commit yet"
  return health
end
health.status = words[obj.status.phase] or "Unknown"
health.message = obj.status.message or obj.status.phase
if (health.status == "Suspended" or health.status == "Degraded") and obj.status.mend ~= nil then
  health.message = health.message .. " - " .. obj.status.mend
end
return health
