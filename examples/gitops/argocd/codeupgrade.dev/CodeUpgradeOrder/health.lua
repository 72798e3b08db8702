-- Green when it was followed, red when it was refused or its moment did not come, with the reason.
local words = {Pending = "Progressing", Consumed = "Healthy", Refused = "Degraded", Expired = "Degraded"}
if obj.status == nil or obj.status.state == nil then
  return {status = "Progressing", message = "the operator has not looked at it yet"}
end
return {status = words[obj.status.state] or "Unknown", message = obj.status.message or obj.status.state}
