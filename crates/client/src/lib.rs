//! What programs call: async and blocking handles of every service, over a session with their node.
